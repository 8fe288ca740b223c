// ringway.js: what runs before anything is loaded.

/**
 * The text of the program, which loads `main`, a path relative to it. A sidecar tells V8 what keeps it small: nothing is optimized and
 * the young generation does not grow before it serves (src/cli/sidecar/v8-settings.ts), and the compiler between the interpreter and the
 * optimizing one stays off: 15 MiB under load for what the other does as well, which therefore takes over as early. Memory outside the heap
 * counts with the heap: what sockets read has a limit of its own otherwise, at which V8 looks through the whole heap, ten times a second
 * under uploads, for a third of the CPU time and 20 ms at a time.
 */
export const programText = (main) => `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('ringway: needs Node 24 or newer, this is ' + process.versions.node + '; install it from https://nodejs.org or run: npx -p node@24 ringway');
  process.exit(1);
}
if (process.argv[2] === 'sidecar' || process.argv[2] === 'sidecar-worker') {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  for (const flag of ['--no-maglev', '--no-turbofan', '--invocation-count-for-turbofan=400', '--semi-space-growth-factor=1', '--external-memory-accounted-in-global-limit', '--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping']) setFlagsFromString(flag);
}
import('${main}');
`;
