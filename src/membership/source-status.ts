// How each source of a ring stands, and for how long the ring waits for one that fails.
import type { MergePolicy, SourceState } from './merge-input.ts';
import type { SourceStatus } from './types.ts';

/** Longer than gossip lags behind (25 s): by then who reads the ring knows whoever a source that was never read could tell of. */
const UNREAD_MS = 30_000;

/** In the order of `sources`. */
export function statusesOf(sources: readonly SourceState[], policy: MergePolicy, nowMs: number): readonly SourceStatus[] {
  const expiries = expiriesOf(sources, policy);
  return sources.map(({ name, report, failure }, i) => ({
    name,
    ok: report !== null && failure === null,
    asOfMs: report?.asOfMs ?? null,
    error: failure?.error ?? report?.warning ?? null,
    expired: nowMs >= (expiries[i] ?? Number.POSITIVE_INFINITY),
  }));
}

/**
 * When the ring goes on without each source, Unix ms, if it goes on failing as it does; never (infinite) when it does not fail. What a
 * source has said counts for `staleAfterMs`; one that was never read is waited for as long, but for half a minute only when one of higher
 * precedence has read the ring itself, and so have all above that: then it could name nobody whom queriers dial.
 */
export function expiriesOf(sources: readonly SourceState[], { staleAfterMs }: MergePolicy): readonly number[] {
  const unread = sources.findIndex(({ report }) => report === null);
  const isKnown = sources.slice(0, Math.max(unread, 0)).some(hasReadTheRing);
  const unreadMs = isKnown ? Math.min(UNREAD_MS, staleAfterMs) : staleAfterMs;
  return sources.map(({ report, failure }) =>
    failure === null ? Number.POSITIVE_INFINITY : failure.sinceMs + (report === null ? unreadMs : staleAfterMs),
  );
}

/** Partitions and heartbeats are only in the ring that queriers themselves read: not on NATS, in Kubernetes, DNS or a file. */
function hasReadTheRing({ report }: SourceState): boolean {
  return report !== null && report.partitions.length > 0 && report.members.some(({ heartbeatMs }) => heartbeatMs !== null);
}
