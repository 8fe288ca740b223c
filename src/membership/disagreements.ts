import { silence } from './health.ts';
import type { MergePolicy } from './merge-input.ts';
import type { Disagreement, DisagreementReason, MemberId, MergedMember, Opinion } from './types.ts';

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
  const found: Disagreement[] = [];
  for (const source of working) {
    const opinion = member.opinions.find((one) => one.source === source);
    if (opinion) compare(opinion, member, policy, (reason, says, ring) => found.push({ reason, source, says, ring }));
    else found.push({ reason: 'missing', source, says: null, ring: null });
  }
  if (holder === undefined) return found;
  const source = member.opinions.find((opinion) => opinion.member.address !== '')?.source ?? member.decidedBy;
  return [...found, { reason: 'address_claimed_twice', source, says: member.address, ring: holder }];
}

type Tell = (reason: DisagreementReason, says: string, ring: string) => void;

function compare({ member: said, heardMs }: Opinion, member: MergedMember, { judge, heartbeatTimeoutMs }: MergePolicy, tell: Tell): void {
  const knowsState = heardMs !== null || said.state !== 'ACTIVE';
  if (said.state !== member.state && knowsState) tell('state', said.state, member.state);
  if (heardMs !== null && member.heartbeatMs !== null && member.heartbeatMs - heardMs > heartbeatTimeoutMs)
    tell('heartbeat', silence(heartbeatTimeoutMs), 'newer');
  if (said.address !== '' && said.address !== member.address && judge(said.address).key !== judge(member.address).key)
    tell('address', said.address, member.address);
  if (said.zone !== '' && said.zone !== member.zone) tell('zone', said.zone, member.zone);
  if (said.partition !== null && member.partition !== null && said.partition !== member.partition)
    tell('partition', String(said.partition), String(member.partition));
}
