import type { AddressJudge } from './address-judge.ts';
import { quoted } from './advertised-address.ts';
import { IdCursor, sortedMembers } from './by-id.ts';
import { whyUnhealthy } from './health.ts';
import type { MergeMoment, SourceState } from './merge-input.ts';
import type { Member, MemberId, MemberState, MergedMember, Opinion } from './types.ts';

/** Two heartbeats of dskit: of what was heard within this time of each other nobody can say which is the news. */
const SAME_TIME_MS = 10_000;

/** What is believed when several are heard at the same time: who joins is not ready, who leaves goes. */
const CAUTION: Readonly<Record<MemberState, number>> = { JOINING: 2, LEAVING: 1, ACTIVE: 0, PENDING: 0, LEFT: 0 };

/** As long as a DNS name may be. */
const MAX_NAME = 253;

const NOTHING: readonly never[] = [];

/** Merges all opinions of each member, in order of id as `previous` is. Members that are LEFT are left out. */
export function mergeOpinions(
  sources: readonly SourceState[],
  previous: readonly MergedMember[],
  moment: MergeMoment,
): readonly MergedMember[] {
  const speakers = sources.flatMap(({ name, report }) => (report === null ? [] : { name, said: new IdCursor(sortedMembers(report)) }));
  const known = new IdCursor(previous);
  const members: MergedMember[] = [];
  for (;;) {
    let id: MemberId | undefined;
    for (const { said } of speakers) if (said.next !== undefined && (id === undefined || said.next.id < id)) ({ id } = said.next);
    if (id === undefined) return members;
    const before = known.take(id);
    const opinions: Opinion[] = [];
    for (const { name, said } of speakers) {
      const member = said.take(id);
      if (member) opinions.push(opinionOf(name, member, before, moment.nowMs));
    }
    const merged = mergeMember(opinions as [Opinion, ...Opinion[]], before, moment);
    if (merged.state !== 'LEFT') members.push(merged);
  }
}

/** The same heartbeat was heard when it was heard first, whatever it says. */
function opinionOf(source: string, member: Member, before: MergedMember | undefined, nowMs: number): Opinion {
  const { heartbeatMs } = member;
  const known = before?.opinions.find((opinion) => opinion.source === source);
  if (known?.member === member) return known;
  if (heartbeatMs === null) return { source, member, heardMs: null };
  const heardMs = known?.member.heartbeatMs === heartbeatMs ? known.heardMs : null;
  return { source, member, heardMs: heardMs ?? Math.min(heartbeatMs, nowMs) };
}

/**
 * Address, zone, partition and registration from the first source that knows them; state and heartbeat from the newest heartbeat. It is
 * taken to stand as `before`.
 */
function mergeMember(
  opinions: readonly [Opinion, ...Opinion[]],
  before: MergedMember | undefined,
  { nowMs, judgedAtMs, policy }: MergeMoment,
): MergedMember {
  const { id } = opinions[0].member;
  let [address, zone, partition, registeredMs]: [string, string, number | null, number | null] = ['', '', null, null];
  for (const { member } of opinions) {
    if (address === '') ({ address } = member);
    if (zone === '') ({ zone } = member);
    partition ??= member.partition;
    registeredMs ??= member.registeredMs;
  }
  // The text that was there before, where it is the same: what is remembered by it is found at once.
  if (before?.address === address) ({ address } = before);
  const { source, member, heardMs } = decisive(opinions);
  const { state } = member;
  const { refused, warning } = judgeAll(id, zone, address, policy.judge);
  return {
    id,
    address,
    zone,
    partition,
    state,
    heartbeatMs: heardMs,
    registeredMs,
    opinions,
    decidedBy: source,
    disagreements: NOTHING,
    refused,
    warning,
    unhealthy: whyUnhealthy({ state, heartbeatMs: heardMs }, judgedAtMs.get(source) ?? nowMs, policy.heartbeatTimeoutMs),
    spared: null,
    sinceMs: before?.sinceMs ?? nowMs,
  };
}

/** Names end up in resource names, metrics and localities: visible ASCII, as host names are. */
function judgeAll(id: MemberId, zone: string, address: string, judge: AddressJudge): Pick<MergedMember, 'refused' | 'warning'> {
  if (id.length > MAX_NAME || !/^[\x21-\x7e]+$/.test(id))
    return { refused: `id ${quoted(id)} is not 1 to ${MAX_NAME} visible ASCII characters`, warning: null };
  if (zone.length > MAX_NAME || !/^[\x20-\x7e]*$/.test(zone))
    return { refused: `zone ${quoted(zone)} is not up to ${MAX_NAME} ASCII characters`, warning: null };
  return judge(address);
}

/**
 * The newest heartbeat decides; a heartbeat beats none, and on a tie LEFT wins, else precedence. Sources that hear a member on ways of
 * their own hear it in turn: of those within SAME_TIME_MS of the newest, the one that says JOINING decides, else the one that says LEAVING.
 */
function decisive(opinions: readonly [Opinion, ...Opinion[]]): Opinion {
  const newest = opinions.reduce((a, b) => (isNewer(b, a) ? b : a));
  const { heardMs } = newest;
  if (opinions.length === 1 || heardMs === null || newest.member.state === 'LEFT') return newest;
  const together = opinions.filter((opinion) => opinion.heardMs !== null && heardMs - opinion.heardMs <= SAME_TIME_MS);
  return together.reduce((a, b) => (isMoreCautious(b, a) ? b : a), newest);
}

function isMoreCautious(a: Opinion, b: Opinion): boolean {
  const more = CAUTION[a.member.state] - CAUTION[b.member.state];
  return more === 0 ? isNewer(a, b) : more > 0;
}

function isNewer(a: Opinion, b: Opinion): boolean {
  const [heardA, heardB] = [a.heardMs ?? Number.NEGATIVE_INFINITY, b.heardMs ?? Number.NEGATIVE_INFINITY];
  if (heardA !== heardB) return heardA > heardB;
  return a.member.state === 'LEFT' && b.member.state !== 'LEFT';
}
