// Bundles src/cli/main.ts with everything it needs: ringway.js, which any Node >= 24 runs, and beside it a folder of chunks, so that a
// role loads what it runs and nothing else. An older Node gets one line.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { asciiOnly, assertAscii } from './bundle/ascii-only.mjs';
import { lateBuiltins, requireOfChunks } from './bundle/late-builtins.mjs';
import { leanPino } from './bundle/lean-pino.mjs';
import { programText } from './bundle/program.mjs';
import { workedOut } from './bundle/worked-out.mjs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const [out = 'dist/bin/ringway.js', only] = process.argv.slice(2);
const chunks = join(dirname(out), 'chunks');
/** Chunks of builds before: a program that still runs may load one later. `--only` keeps none, for a package. */
const KEPT_MS = only === '--only' ? 0 : 24 * 60 * 60 * 1000;

mkdirSync(chunks, { recursive: true });
const draft = mkdtempSync(join(dirname(out), '.bundle-'));
try {
  const { metafile } = await build({
    entryPoints: { main: 'src/cli/main.ts' },
    outdir: draft,
    outExtension: { '.js': '.mjs' }, // else Node, where no package.json says so, tries them as CommonJS first
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    sourcemap: 'linked',
    sourcesContent: false, // positions are what a stack trace needs; the sources themselves are 6 MB
    legalComments: 'none',
    banner: { js: requireOfChunks },
    define: { RINGWAY_VERSION: JSON.stringify(version) },
    plugins: [leanPino, lateBuiltins, workedOut, asciiOnly],
    metafile: true,
    logLevel: 'error',
  });
  const made = readdirSync(draft);
  for (const file of made) if (file.endsWith('.mjs')) assertAscii(join(draft, file));
  for (const file of made) renameSync(join(draft, file), join(chunks, file));
  const [main] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'src/cli/main.ts');
  writeFileSync(`${out}.new`, programText(`./chunks/${basename(main)}`));
  chmodSync(`${out}.new`, 0o755);
  renameSync(`${out}.new`, out); // whoever runs the old file meanwhile keeps it
  const oldest = Date.now() - KEPT_MS;
  for (const file of readdirSync(chunks))
    if (!made.includes(file) && statSync(join(chunks, file)).mtimeMs < oldest) rmSync(join(chunks, file));
} finally {
  rmSync(draft, { recursive: true, force: true });
}
