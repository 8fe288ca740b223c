import { silence } from './health.ts';
import type { MergePolicy } from './merge-input.ts';
import type { Disagreement, MemberId, MergedMember, Opinion } from './types.ts';

/**
 * Adds to each member where the sources that work, `working` by name in order of precedence, are at odds with what was merged. `holders`
 * as refuseDuplicates says.
 */
export function withDisagreements(
  members: readonly MergedMember[],
  working: readonly string[],
  holders: ReadonlyMap<MemberId, MemberId>,
  policy: MergePolicy,
): readonly MergedMember[] {
  return members.map((member) => {
    const disagreements = disagreementsOf(member, working, holders.get(member.id), policy);
    return disagreements.length === 0 ? member : { ...member, disagreements };
  });
}

function disagreementsOf(
  member: MergedMember,
  working: readonly string[],
  holder: MemberId | undefined,
  policy: MergePolicy,
): readonly Disagreement[] {
  const { opinions } = member;
  const found: Disagreement[] = [];
  working.forEach((source, i) => {
    const opinion = opinions[i]?.source === source ? opinions[i] : opinions.find((one) => one.source === source);
    if (opinion) compare(opinion, member, policy, found);
    else found.push({ reason: 'missing', source, says: null, ring: null });
  });
  if (holder === undefined) return found;
  const source = opinions.find((opinion) => opinion.member.address !== '')?.source ?? member.decidedBy;
  return [...found, { reason: 'address_claimed_twice', source, says: member.address, ring: holder }];
}

function compare(
  { source, member: said, heardMs }: Opinion,
  member: MergedMember,
  { judge, heartbeatTimeoutMs }: MergePolicy,
  found: Disagreement[],
): void {
  const knowsState = heardMs !== null || said.state !== 'ACTIVE';
  if (said.state !== member.state && knowsState) found.push({ reason: 'state', source, says: said.state, ring: member.state });
  if (heardMs !== null && member.heartbeatMs !== null && member.heartbeatMs - heardMs > heartbeatTimeoutMs)
    found.push({ reason: 'heartbeat', source, says: silence(heartbeatTimeoutMs), ring: 'newer' });
  if (said.address !== '' && said.address !== member.address && judge(said.address).key !== judge(member.address).key)
    found.push({ reason: 'address', source, says: said.address, ring: member.address });
  if (said.zone !== '' && said.zone !== member.zone) found.push({ reason: 'zone', source, says: said.zone, ring: member.zone });
  if (said.partition !== null && member.partition !== null && said.partition !== member.partition)
    found.push({ reason: 'partition', source, says: String(said.partition), ring: String(member.partition) });
}
