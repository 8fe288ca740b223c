import { isReadable } from './health.ts';
import type { MergeMoment } from './merge-input.ts';
import type { MergedMember } from './types.ts';

/**
 * A partition that nobody would be asked for fails every query. So where all its owners are held back, those that only caution holds
 * back are asked: JOINING (a member's own gate, not the ring's), or a heartbeat from the future that no longer moves (queriers ask them).
 * Not those whose address is refused, and not those that queriers themselves would find too old.
 */
export function spareLastOwners(members: readonly MergedMember[], moment: MergeMoment): readonly MergedMember[] {
  if (members.every(({ unhealthy }) => unhealthy === null)) return members;
  const asked = new Set(
    members.filter(({ refused, unhealthy }) => refused === null && unhealthy === null).map(({ partition }) => partition),
  );
  return members.map((member) => {
    const { partition, unhealthy } = member;
    if (unhealthy === null || partition === null || asked.has(partition) || !isSparable(member, moment)) return member;
    return { ...member, unhealthy: null, spared: `${unhealthy}, but partition ${partition} has no owner that is ready` };
  });
}

function isSparable({ state, refused, opinions, decidedBy }: MergedMember, { nowMs, judgedAtMs, policy }: MergeMoment): boolean {
  if (refused !== null || !(state === 'JOINING' || isReadable(state))) return false;
  const heartbeatMs = opinions.find(({ source }) => source === decidedBy)?.member.heartbeatMs ?? null;
  return heartbeatMs === null || (judgedAtMs.get(decidedBy) ?? nowMs) - heartbeatMs <= policy.heartbeatTimeoutMs;
}
