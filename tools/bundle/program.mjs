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
  // what lives a little too long piles up in the old generation: all is looked through at twice what was left last, not at three times
  '--heap-growing-percent=100',
  // what is young is small, and waking a thread for it costs more than the work, most of all where there is one core
  '--no-parallel-scavenge',
  '--no-concurrent-array-buffer-sweeping',
];

/** The text of the program, which loads `main`, a path relative to it. */
export const programText = (main) => `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('ringway: needs Node 24 or newer, this is ' + process.versions.node + '; install it from https://nodejs.org or run: npx -p node@24 ringway');
  process.exit(1);
}
if (process.argv[2] === 'sidecar' || process.argv[2] === 'sidecar-worker') {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  for (const flag of ${JSON.stringify(FLAGS)}) setFlagsFromString(flag);
}
import('${main}');
`;
