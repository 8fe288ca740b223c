import type { Timeouts } from './types.ts';

/** A try that may take as long as all of them together has no time of its own. */
export function boundTimeouts(wholeMs: number | null, perTryMs: number | null): Timeouts {
  return { wholeMs, perTryMs: wholeMs !== null && perTryMs !== null && perTryMs >= wholeMs ? null : perTryMs };
}
