// The program: dist/bin/ringway.js and its chunks.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { runningNode } from './node.mjs';
import { root } from './root.mjs';
import { hashOf } from './stamp.mjs';

export const bundleStep = {
  name: 'bundle',
  title: 'building dist/bin/ringway.js',
  help: 'run `npm run types` to see what does not compile',
  madeFrom: () =>
    `${existsSync(join(root, 'dist', 'bin', 'ringway.js')) ? '' : 'absent '}${hashOf(['src', 'package.json', 'package-lock.json', 'tools/bundle.mjs', 'tools/bundle'])}`,
  run() {
    const node = runningNode();
    return command(node.path, ['tools/bundle.mjs'], { env: node.env });
  },
};
