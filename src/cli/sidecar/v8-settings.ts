import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Large enough that what a request needs dies young; V8 by itself goes to six times as much. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/**
 * From now on V8 optimizes what runs often and lets the young generation grow, to 8 MiB. The program forbids both before it loads anything
 * (tools/bundle/program.mjs): a start has nothing that is worth five megabytes of optimizing compiler, and what stays idle is small.
 */
export function allowV8ToGrow(): void {
  setFlagsFromString('--turbofan');
  setFlagsFromString('--semi-space-growth-factor=2');
  const collections = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (!young || young.space_size < YOUNG_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    collections.disconnect();
  });
  collections.observe({ entryTypes: ['gc'] });
}
