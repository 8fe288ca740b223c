// ringway.js: what runs before anything is loaded.

/**
 * What a sidecar tells V8 before anything is loaded. A start has nothing that is worth five megabytes of optimizing compiler, and what stays
 * idle is small: src/cli/sidecar/v8-settings.ts takes the first and the fourth back once there are requests.
 */
const FLAGS = [
  '--no-turbofan',
  // the compiler between the interpreter and the optimizing one: 15 MiB under load for what the other does as well,
  '--no-maglev',
  // which therefore takes over as early
  '--invocation-count-for-turbofan=400',
  '--semi-space-growth-factor=1',
  // what is young is small, and waking a thread for it costs more than the work, most of all where there is one core
  '--no-parallel-scavenge',
  '--no-concurrent-array-buffer-sweeping',
];

/**
 * What sockets read is memory outside the heap. It counts with the heap: under a limit of its own uploads made V8 look through the whole
 * heap ten times a second, for a third of the CPU time and 20 ms at a time. V8 14.8 does so by itself, and knows the flag no more.
 */
const FLAG_BEFORE_14_8 = '--external-memory-accounted-in-global-limit';

/** The text of the program, which loads `main`, a path relative to it. */
export const programText = (main) => `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('ringway: needs Node 24 or newer, this is ' + process.versions.node + '; install it from https://nodejs.org or run: npx -p node@24 ringway');
  process.exit(1);
}
if (process.argv[2] === 'sidecar' || process.argv[2] === 'sidecar-worker') {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const [major, minor] = process.versions.v8.split('.').map(Number);
  for (const flag of ${JSON.stringify(FLAGS)}) setFlagsFromString(flag);
  if (major < 14 || (major === 14 && minor < 8)) setFlagsFromString('${FLAG_BEFORE_14_8}');
}
import('${main}');
`;
