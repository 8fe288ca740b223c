import type { Member, MemberState } from './types.ts';

/** The states in which queriers ask a member (dskit's operation Read). */
const READABLE: readonly MemberState[] = ['ACTIVE', 'PENDING', 'LEAVING'];

type Vital = Pick<Member, 'state' | 'heartbeatMs'>;

export function isReadable(state: MemberState): boolean {
  return READABLE.includes(state);
}

/**
 * Why a querier would not ask it, in words that do not change while nothing else does; null when it would: a readable state, and a
 * heartbeat not older than the timeout or none at all.
 */
export function whyUnhealthy({ state, heartbeatMs }: Vital, nowMs: number, heartbeatTimeoutMs: number): string | null {
  if (!isReadable(state)) return `state ${state}`;
  return heartbeatMs !== null && nowMs - heartbeatMs > heartbeatTimeoutMs ? silence(heartbeatTimeoutMs) : null;
}

/** `no heartbeat for over 60s`. */
export function silence(heartbeatTimeoutMs: number): string {
  return `no heartbeat for over ${heartbeatTimeoutMs / 1000}s`;
}
