import { isoTime } from '../../core/index.ts';
import type { MemberId, MemberState, MergedMember, Ring } from '../../membership/types.ts';
import type { Conflicts } from '../stage/claims.ts';
import { byId } from '../stage/claims.ts';
import type { RingStage, StagedMember } from '../stage/types.ts';
import { type DisagreementJson, disagreementJson } from './disagreement.ts';

/** What EDS says of a member (envoy.config.core.v3.HealthStatus by name); NONE when it has no endpoint. */
type EdsHealth = 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'NONE';

/** One member of `/api/rings/{ring}` and of `ringway ring show --json`: what the ring says, what each source says, what EDS says, and why. */
export interface MemberReport {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly partition: number | null;
  readonly state: MemberState;
  /** null when no source knows heartbeats. */
  readonly heartbeatAgeMs: number | null;
  /** State by source name; {} for a member that left. */
  readonly sources: Readonly<Record<string, MemberState>>;
  /** Heartbeat age by source name, ms; null from sources that have none; {} for a member that left. */
  readonly heartbeatAgesMs: Readonly<Record<string, number | null>>;
  /** Where sources that work say something else than the ring; [] for a member that left. */
  readonly disagreements: readonly DisagreementJson[];
  readonly eds: EdsHealth;
  /** One line for people: why EDS says that. */
  readonly reason: string;
  /** Since when state, address and refusal are what they are: ISO 8601. null for a member that left. */
  readonly since: string | null;
  /** The source that decided the state; '' for a member that left. */
  readonly decidedBy: string;
  /** What is odd about its address although it is routable; absent where nothing is. */
  readonly warning?: string;
}

/** What a report is made from. `stage` is undefined while the ring has never been read. */
export interface RingFacts {
  readonly ring: Ring;
  readonly stage: RingStage | undefined;
  /** The members of `stage` by id. */
  readonly staged: ReadonlyMap<MemberId, StagedMember>;
  readonly conflicts: Conflicts;
  readonly nowMs: number;
}

/** Every member of the ring and every one that left and is still routed or running, sorted by id. */
export function reportMembers(facts: RingFacts): readonly MemberReport[] {
  const inRing = new Set(facts.ring.members.map(({ id }) => id));
  const left = facts.stage?.members.filter(({ id }) => !inRing.has(id)) ?? [];
  return [...facts.ring.members.map((member) => reportPresent(member, facts)), ...left.map((member) => reportLeft(member, facts))].sort(
    byId,
  );
}

/** `3 s`, `12 min`, `5 h`: ages in the words of the table, rounded down. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

function reportPresent(member: MergedMember, facts: RingFacts): MemberReport {
  const { id, address, zone, partition, state, opinions, decidedBy, sinceMs, warning } = member;
  const age = (heardMs: number | null): number | null => (heardMs === null ? null : facts.nowMs - heardMs);
  return {
    id,
    address,
    zone,
    partition,
    state,
    heartbeatAgeMs: age(member.heartbeatMs),
    sources: Object.fromEntries(opinions.map((opinion): [string, MemberState] => [opinion.source, opinion.member.state])),
    heartbeatAgesMs: Object.fromEntries(opinions.map(({ source, heardMs }) => [source, age(heardMs)])),
    disagreements: member.disagreements.map(disagreementJson),
    ...verdictOf(member, facts),
    since: isoTime(sinceMs),
    decidedBy,
    ...(warning === null ? {} : { warning }),
  };
}

function verdictOf(member: MergedMember, facts: RingFacts): Pick<MemberReport, 'eds' | 'reason'> {
  const staged = facts.staged.get(member.id);
  const refused = member.refused ?? facts.conflicts.get(facts.ring.name)?.get(member.id) ?? null;
  const lingers = staged && staged.phase.kind !== 'present' ? `; ${lingerText(staged, facts.nowMs)}` : '';
  if (refused !== null) return { eds: lingers ? 'DRAINING' : 'NONE', reason: `refused: ${refused}${lingers}` };
  if (member.state === 'LEFT') return { eds: lingers ? 'DRAINING' : 'NONE', reason: `left the ring${lingers}` };
  if (!staged) return { eds: 'NONE', reason: 'the ring is still being read' };
  if (member.unhealthy !== null) return { eds: 'UNHEALTHY', reason: member.unhealthy };
  if (member.spared !== null) return { eds: 'HEALTHY', reason: `queriers ask it: ${member.spared}` };
  return { eds: 'HEALTHY', reason: `queriers ask it: ${member.state}${member.heartbeatMs === null ? '' : ', heartbeat fresh'}` };
}

function reportLeft(member: StagedMember, facts: RingFacts): MemberReport {
  const { id, address, zone, partition } = member;
  return {
    id,
    address,
    zone,
    partition,
    state: 'LEFT',
    heartbeatAgeMs: null,
    sources: {},
    heartbeatAgesMs: {},
    disagreements: [],
    eds: 'DRAINING',
    reason: `left the ring; ${lingerText(member, facts.nowMs)}`,
    since: null,
    decidedBy: '',
  };
}

function lingerText({ domains, phase }: StagedMember, nowMs: number): string {
  if (phase.kind === 'unrouted') return `its route is gone, its cluster goes in ${formatAge(phase.untilMs - nowMs)}`;
  const untilMs = Math.max(...domains.map((domain) => domain.untilMs ?? nowMs));
  return `calls to its address are taken for ${formatAge(untilMs - nowMs)} more`;
}
