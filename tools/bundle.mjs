// Bundles src/cli/main.ts with everything it needs into one file that any Node >= 24 runs. An older Node gets one line.
import { chmodSync, readFileSync, renameSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const out = process.argv[2] ?? 'dist/bin/ringway.js';
const banner = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module';
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('ringway: needs Node 24 or newer, this is ' + process.versions.node + '; install it from https://nodejs.org or run: npx -p node@24 ringway');
  process.exit(1);
}
const require = __createRequire(import.meta.url);`;

// In one ES module every static import of a builtin would be evaluated at the start, whatever the command: these are taken when
// the module that imports them is.
const lateBuiltins = {
  name: 'late-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /^node:(child_process|dgram|dns|http|http2|https|readline|zlib)$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = require('${path}');` }));
    bundle.onResolve({ filter: /^node:/, namespace: 'builtin' }, ({ path }) => ({ path, external: true }));
  },
};

// One character beyond ASCII, and Node keeps the whole program at two bytes a character: 4 MB more in every process. esbuild escapes
// them in strings, not in regular expressions.
const asciiOnly = {
  name: 'ascii-only',
  setup(bundle) {
    bundle.onLoad({ filter: /node_modules\/@nats-io\/.*\.js$/ }, ({ path }) => ({ contents: escaped(readFileSync(path, 'utf8')) }));
  },
};

await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: `${out}.new`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  sourcemap: 'external',
  sourcesContent: false, // positions are what a stack trace needs; the sources themselves are 6 MB
  legalComments: 'none',
  banner: { js: banner },
  define: { RINGWAY_VERSION: JSON.stringify(version) },
  plugins: [lateBuiltins, asciiOnly],
  logLevel: 'error',
});
const strange = /.{0,40}[^\0-\x7f].{0,20}/u.exec(readFileSync(`${out}.new`, 'utf8'));
if (strange) throw new Error(`the bundle is not all ASCII, see asciiOnly in tools/bundle.mjs: ${strange[0]}`);
chmodSync(`${out}.new`, 0o755);
renameSync(`${out}.new.map`, `${out}.map`);
renameSync(`${out}.new`, out); // whoever runs the old file meanwhile keeps it

function escaped(source) {
  return source.replaceAll(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
