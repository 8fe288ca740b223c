// One character beyond ASCII, and Node keeps the whole file at two bytes a character.
import { readFileSync } from 'node:fs';

/** An esbuild plugin: esbuild escapes such characters in strings, this one in the regular expressions of the packages that have them. */
export const asciiOnly = {
  name: 'ascii-only',
  setup(bundle) {
    bundle.onLoad({ filter: /node_modules\/@nats-io\/.*\.js$/ }, ({ path }) => ({ contents: escaped(readFileSync(path, 'utf8')) }));
  },
};

/** Throws when a file of the program is not all ASCII. */
export function assertAscii(file) {
  const strange = /.{0,40}[^\0-\x7f].{0,20}/u.exec(readFileSync(file, 'utf8'));
  if (strange) throw new Error(`${file} is not all ASCII, see tools/bundle/ascii-only.mjs: ${strange[0]}`);
}

function escaped(source) {
  return source.replaceAll(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
