import type { AddressJudge } from './address-judge.ts';
import type { MemberId, MergedMember } from './types.ts';

/**
 * Refuses, by name, every member whose address a newer registration has: pods get the address of a pod that is gone. An unknown
 * registration is the oldest; on a tie the newer heartbeat, then the smaller id keeps the address. Refused members claim nothing.
 * `holders` says who keeps the address of each member that lost it.
 */
export function refuseDuplicates(
  members: readonly MergedMember[],
  judge: AddressJudge,
): { readonly members: readonly MergedMember[]; readonly holders: ReadonlyMap<MemberId, MemberId> } {
  const byKey = new Map<string, MergedMember>();
  const losers = new Map<MemberId, string>();
  for (const member of members) {
    if (member.refused !== null) continue;
    const { key } = judge(member.address);
    const holder = byKey.get(key);
    const winner = !holder || hasBetterClaim(member, holder) ? member : holder;
    byKey.set(key, winner);
    if (holder) losers.set(winner === member ? holder.id : member.id, key);
  }
  if (losers.size === 0) return { members, holders: new Map() };
  const holders = new Map([...losers].map(([id, key]) => [id, (byKey.get(key) as MergedMember).id]));
  const judged = members.map((member) => {
    const holder = holders.get(member.id);
    if (holder === undefined) return member;
    return { ...member, refused: `address ${JSON.stringify(member.address)} is also claimed by ${holder}, which keeps it` };
  });
  return { members: judged, holders };
}

function hasBetterClaim(a: MergedMember, b: MergedMember): boolean {
  const registered = (a.registeredMs ?? 0) - (b.registeredMs ?? 0);
  if (registered !== 0) return registered > 0;
  const heard = (a.heartbeatMs ?? 0) - (b.heartbeatMs ?? 0);
  return heard === 0 ? a.id < b.id : heard > 0;
}
