// Where generation reads and writes.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Git-ignored folder for what is made on the way. */
export const work: string = join(root, 'node_modules', '.cache', 'ringway', 'generate');

/** The buf module in it that buf.yaml names: the patched validate.proto and the list of roots. */
export const workModule: string = join(work, 'module');

/** The whole image with the overlay laid in, options included: what tests compare with. */
export const imageFile: string = join(root, 'node_modules', '.cache', 'ringway', 'envoy.binpb');

/** The result. */
export const generated: string = join(root, 'src', 'gen');
