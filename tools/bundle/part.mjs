// Bundles the source text on stdin with what it imports into a file, as the program is, but for builtin modules, which are loaded as the
// text says: what one part of the program costs by itself (bench/footprint). node tools/bundle/part.mjs FILE
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { asciiOnly } from './ascii-only.mjs';
import { requireOfChunks } from './late-builtins.mjs';
import { leanPino } from './lean-pino.mjs';
import { workedOut } from './worked-out.mjs';

await build({
  stdin: { contents: await text(process.stdin), resolveDir: process.cwd() },
  outfile: process.argv[2],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  banner: { js: requireOfChunks },
  plugins: [leanPino, workedOut, asciiOnly],
  logLevel: 'error',
});
