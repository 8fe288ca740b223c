import type { Member, MemberState } from './types.ts';

/** Tempo's default `heartbeat_timeout`. */
const HEARTBEAT_TIMEOUT_MS = 60_000;

/** The states in which queriers ask a member (dskit's operation Read). */
const READABLE: readonly MemberState[] = ['ACTIVE', 'PENDING', 'LEAVING'];

type Vital = Pick<Member, 'state' | 'heartbeatMs'>;

/** Would a querier ask it: a readable state, and a heartbeat not older than the timeout or none at all. Of a catalog's members take `unhealthy`. */
export function isHealthyForRead(member: Vital, nowMs: number, heartbeatTimeoutMs: number = HEARTBEAT_TIMEOUT_MS): boolean {
  return whyUnhealthy(member, nowMs, heartbeatTimeoutMs) === null;
}

/** Why a querier would not ask it, in words that do not change while nothing else does; null when it would. */
export function whyUnhealthy({ state, heartbeatMs }: Vital, nowMs: number, heartbeatTimeoutMs: number): string | null {
  if (!READABLE.includes(state)) return `state ${state}`;
  if (heartbeatMs !== null && nowMs - heartbeatMs > heartbeatTimeoutMs) return `no heartbeat for over ${heartbeatTimeoutMs / 1000}s`;
  return null;
}
