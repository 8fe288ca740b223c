import { addressKey } from './address-policy.ts';
import type { MergedMember } from './types.ts';

/**
 * Refuses, by name, every member whose address a newer registration has: pods get the address of a pod that is gone. An unknown
 * registration is the oldest; on a tie the newer heartbeat, then the smaller id keeps the address. Refused members claim nothing.
 */
export function refuseDuplicates(members: readonly MergedMember[]): readonly MergedMember[] {
  const holders = new Map<string, MergedMember>();
  for (const member of members) {
    if (member.refused !== null) continue;
    const key = addressKey(member.address);
    const holder = holders.get(key);
    if (!holder || hasBetterClaim(member, holder)) holders.set(key, member);
  }
  return members.map((member) => {
    const holder = holders.get(addressKey(member.address));
    if (member.refused !== null || !holder || holder.id === member.id) return member;
    return { ...member, refused: `address ${JSON.stringify(member.address)} is also claimed by ${holder.id}, which keeps it` };
  });
}

function hasBetterClaim(a: MergedMember, b: MergedMember): boolean {
  const registered = (a.registeredMs ?? 0) - (b.registeredMs ?? 0);
  if (registered !== 0) return registered > 0;
  const heard = (a.heartbeatMs ?? 0) - (b.heartbeatMs ?? 0);
  return heard === 0 ? a.id < b.id : heard > 0;
}
