// Loaded into the Node that is measured (NODE_OPTIONS=--import=…): at SIGUSR2 it writes how late its event loop was since the last time
// into the file that RINGWAY_BENCH_LOOP_DELAY names, in ms, and begins anew.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const file = process.env.RINGWAY_BENCH_LOOP_DELAY;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
process.on('SIGUSR2', () => {
  const late = (ns) => Math.max(0, ns / 1e6 - RESOLUTION_MS); // each sample is the whole time between two ticks
  writeFileSync(`${file}.new`, JSON.stringify({ count: delays.count, p999: late(delays.percentile(99.9)), max: late(delays.max) }));
  renameSync(`${file}.new`, file);
  delays.reset();
});
