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
    bundle.onResolve({ filter: /^node:(child_process|http|http2|https|readline|zlib)$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = require('${path}');` }));
    bundle.onResolve({ filter: /^node:/, namespace: 'builtin' }, ({ path }) => ({ path, external: true }));
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
  plugins: [lateBuiltins],
  logLevel: 'error',
});
chmodSync(`${out}.new`, 0o755);
renameSync(`${out}.new.map`, `${out}.map`);
renameSync(`${out}.new`, out); // whoever runs the old file meanwhile keeps it
