// From what each source says of a ring to the ring: pure. How fields are decided stands at mergeMember, who is left out at mergeRing.
import type { AddressPolicy } from './address-policy.ts';
import { refuseDuplicates } from './claims.ts';
import { whyUnhealthy } from './health.ts';
import { mergePartitions } from './merge-partitions.ts';
import type { Member, MemberId, MemberState, MembersReport, MergedMember, Ring, RingName, SourceStatus } from './types.ts';

/** Where one source stands. */
export interface SourceState {
  readonly name: string;
  /** Its last good report; null before the first. */
  readonly report: MembersReport | null;
  /** Since when it fails, and how; null while it does not. */
  readonly failure: { readonly sinceMs: number; readonly error: string } | null;
}

/** What the operator decided for one ring. */
export interface MergePolicy {
  readonly refusalOf: AddressPolicy;
  readonly heartbeatTimeoutMs: number;
  readonly staleAfterMs: number;
  readonly allowEmpty: boolean;
}

export interface MergeInput {
  readonly name: RingName;
  /** In order of precedence. */
  readonly sources: readonly SourceState[];
  readonly policy: MergePolicy;
  readonly nowMs: number;
  /** The ring as merged before; null the first time. */
  readonly previous: Ring | null;
}

/** What one source says of one member. */
interface Opinion {
  readonly source: SourceState;
  readonly report: MembersReport;
  readonly member: Member;
}

/**
 * Merges by member id. Left out: reports of sources that have failed for `staleAfterMs`, members that are LEFT, DELETED partitions.
 * An address that two members claim stays with the newer registration. That a ring is empty is not believed (`emptyGuard`) unless the
 * operator allows it and every source says so itself: a ring that had members keeps them.
 */
export function mergeRing(input: MergeInput): Ring {
  const { name, sources, policy, nowMs, previous } = input;
  const statuses = sources.map((source) => statusOf(source, policy, nowMs));
  const usable = sources.filter((_, i) => !statuses[i]?.expired);
  const present = groupOpinions(usable)
    .map((opinions) => mergeMember(opinions, policy, nowMs))
    .filter(({ state }) => state !== 'LEFT');
  const mayBeEmpty = policy.allowEmpty && sources.every(({ report, failure }) => report !== null && failure === null);
  const last = previous !== null && previous.members.length > 0 ? previous : null;
  const emptyGuard = present.length === 0 && !mayBeEmpty && (last !== null || haveSpoken(sources));
  if (emptyGuard && last !== null) return { ...last, sources: statuses, emptyGuard };
  const reports = usable.flatMap(({ report }) => report ?? []);
  const { members, partitions } = mergePartitions(refuseDuplicates(present), reports);
  return { name, members: dated(members, previous), partitions, sources: statuses, emptyGuard };
}

/** All of them, one of them well. */
function haveSpoken(sources: readonly SourceState[]): boolean {
  return sources.some(({ report }) => report !== null) && sources.every(({ report, failure }) => report !== null || failure !== null);
}

/** When the merge of the same input gives another ring though no source says anything, Unix ms; null when it never does. */
export function nextMergeMs({ sources, policy, nowMs }: MergeInput, merged: Ring): number | null {
  const failing = new Set(sources.filter(({ failure }) => failure !== null).map(({ name }) => name));
  const aging = merged.emptyGuard ? [] : merged.members.filter(({ unhealthy, decidedBy }) => unhealthy === null && !failing.has(decidedBy));
  const moments = [
    ...aging.flatMap(({ heartbeatMs }) => (heartbeatMs === null ? [] : heartbeatMs + policy.heartbeatTimeoutMs + 1)),
    ...sources.flatMap(({ failure }) => (failure === null ? [] : failure.sinceMs + policy.staleAfterMs)),
  ].filter((moment) => moment > nowMs);
  return moments.length === 0 ? null : Math.min(...moments);
}

function statusOf({ name, report, failure }: SourceState, { staleAfterMs }: MergePolicy, nowMs: number): SourceStatus {
  return {
    name,
    ok: report !== null && failure === null,
    asOfMs: report?.asOfMs ?? null,
    error: failure?.error ?? report?.warning ?? null,
    expired: failure !== null && nowMs - failure.sinceMs >= staleAfterMs,
  };
}

/** All opinions of one member together, in order of precedence; members in order of id. */
function groupOpinions(sources: readonly SourceState[]): readonly [Opinion, ...Opinion[]][] {
  const byId = new Map<MemberId, [Opinion, ...Opinion[]]>();
  for (const source of sources) {
    const { report } = source;
    if (report === null) continue;
    for (const member of report.members) {
      const opinion: Opinion = { source, report, member };
      const opinions = byId.get(member.id);
      if (opinions) opinions.push(opinion);
      else byId.set(member.id, [opinion]);
    }
  }
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, opinions]) => opinions);
}

/** Address, zone, partition and registration from the first source that knows them; state and heartbeat from the newest heartbeat. */
function mergeMember(opinions: readonly [Opinion, ...Opinion[]], policy: MergePolicy, nowMs: number): MergedMember {
  const members = opinions.map(({ member }) => member);
  const vital = opinions.reduce(fresher);
  const { state, heartbeatMs } = vital.member;
  const address = members.find((member) => member.address !== '')?.address ?? '';
  const zone = members.find((member) => member.zone !== '')?.zone ?? '';
  const ageAtMs = vital.source.failure === null ? nowMs : Math.min(nowMs, vital.report.asOfMs);
  return {
    id: opinions[0].member.id,
    address,
    zone,
    partition: members.find((member) => member.partition !== null)?.partition ?? null,
    state,
    heartbeatMs,
    registeredMs: members.find((member) => member.registeredMs !== null)?.registeredMs ?? null,
    sources: Object.fromEntries(opinions.map(({ source, member }): [string, MemberState] => [source.name, member.state])),
    decidedBy: vital.source.name,
    refused: refusalOfNames(opinions[0].member.id, zone) ?? policy.refusalOf(address),
    unhealthy: whyUnhealthy({ state, heartbeatMs }, ageAtMs, policy.heartbeatTimeoutMs),
    sinceMs: nowMs,
  };
}

/** Names end up in resource names, metrics and localities: visible ASCII, as host names are. */
function refusalOfNames(id: MemberId, zone: string): string | null {
  if (!/^[\x21-\x7e]{1,253}$/.test(id)) return `id ${JSON.stringify(id)} is not 1 to 253 visible ASCII characters`;
  return /^[\x20-\x7e]{0,253}$/.test(zone) ? null : `zone ${JSON.stringify(zone)} is not up to 253 ASCII characters`;
}

/** A heartbeat beats none, the newer one the older; on a tie LEFT wins, else precedence. */
function fresher(a: Opinion, b: Opinion): Opinion {
  const [heardA, heardB] = [a.member.heartbeatMs ?? Number.NEGATIVE_INFINITY, b.member.heartbeatMs ?? Number.NEGATIVE_INFINITY];
  if (heardA !== heardB) return heardA > heardB ? a : b;
  return b.member.state === 'LEFT' && a.member.state !== 'LEFT' ? b : a;
}

/** A member that is as before has been so since then. */
function dated(members: readonly MergedMember[], previous: Ring | null): readonly MergedMember[] {
  const known = new Map(previous?.members.map((member) => [member.id, member]));
  return members.map((member) => {
    const before = known.get(member.id);
    const unchanged = before && (['state', 'address', 'refused', 'unhealthy'] as const).every((field) => before[field] === member[field]);
    return unchanged ? { ...member, sinceMs: before.sinceMs } : member;
  });
}
