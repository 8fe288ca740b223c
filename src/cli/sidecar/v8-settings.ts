import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { collectReadGarbage } from '../../transport/index.ts';

/** Large enough that what a request needs dies young; V8 by itself goes to six times as much. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/** What V8 is told once the sidecar runs; what it is told before that is in tools/bundle/program.mjs. */
export function tuneV8(serving: { readonly isServing: () => boolean }): void {
  allowV8ToGrow(serving);
  collectChunks();
}

/**
 * Once there are requests V8 may optimize what runs often and let the young generation grow, to 8 MiB. The program forbids both before it
 * loads anything (tools/bundle/program.mjs): a start has nothing that is worth five megabytes of optimizing compiler, and what stays idle
 * is small. Looks at each collection of garbage, of which there are none without requests, and at none once all is said.
 */
function allowV8ToGrow({ isServing }: { readonly isServing: () => boolean }): void {
  let isAllowed = false;
  const collections = new PerformanceObserver(() => {
    if (!isAllowed && isServing()) {
      isAllowed = true;
      setFlagsFromString('--turbofan');
      setFlagsFromString('--semi-space-growth-factor=2');
    }
    if (!isAllowed || youngBytes() < YOUNG_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    collections.disconnect();
  });
  collections.observe({ entryTypes: ['gc'] });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

/** V8's own function for young garbage; made when it is first needed, for it brings a context with it. */
let collectYoung: ((options: { readonly type: 'minor' }) => void) | undefined;

/** Chunks that sockets read are collected as soon as there are many of them. */
function collectChunks(): void {
  collectReadGarbage(() => {
    if (collectYoung === undefined) {
      setFlagsFromString('--expose-gc');
      collectYoung = runInNewContext('gc') as typeof collectYoung;
      setFlagsFromString('--no-expose-gc');
    }
    collectYoung?.({ type: 'minor' });
  });
}
