import { IdCursor } from './by-id.ts';
import type { MergedMember, Opinion, Partition, Ring, SourceStatus } from './types.ts';

/** Whether two members say the same but for newer heartbeats and who decided: see Catalog. */
export function isSameMember(a: MergedMember, b: MergedMember): boolean {
  if (a === b) return true;
  return (
    a.id === b.id &&
    standsAs(a, b) &&
    a.zone === b.zone &&
    a.partition === b.partition &&
    a.registeredMs === b.registeredMs &&
    a.warning === b.warning &&
    isSameList(a.opinions, b.opinions, isSameVoice) &&
    isSameList(a.disagreements, b.disagreements, isSameRecord)
  );
}

/** What `sinceMs` dates. Fields one by one: this is asked of every member every second. */
function standsAs(a: MergedMember, b: MergedMember): boolean {
  return a.state === b.state && a.address === b.address && a.refused === b.refused && a.unhealthy === b.unhealthy && a.spared === b.spared;
}

/** Whether a catalog with the one says the same as with the other; see Catalog for what is not content. */
export function isSameContent(a: Ring, b: Ring): boolean {
  if (a === b) return true;
  return (
    a.name === b.name &&
    a.emptyGuard === b.emptyGuard &&
    isSameList(a.sources, b.sources, (x, y) => x.name === y.name && x.ok === y.ok && x.expired === y.expired) &&
    (a.members === b.members || isSameList(a.members, b.members, isSameMember)) &&
    (a.partitions === b.partitions || isSameList(a.partitions, b.partitions, isSamePartition))
  );
}

/**
 * The same ring in the objects of `previous` as far as they are the same. A member that stands as before has done so since then, as
 * mergeMember took for granted; of the others `nowMs` is the beginning.
 */
export function asBefore(ring: Ring, previous: Ring | null, nowMs: number): Ring {
  if (previous === null) return ring;
  const before = new IdCursor(previous.members);
  const members = shared(
    previous.members,
    ring.members.map((member) => memberAsBefore(member, before.take(member.id), nowMs)),
    Object.is,
  );
  const partitions = shared(previous.partitions, ring.partitions, isSamePartition);
  const sources = shared<SourceStatus>(previous.sources, ring.sources, isSameRecord);
  const kept =
    ring.name === previous.name &&
    ring.emptyGuard === previous.emptyGuard &&
    members === previous.members &&
    partitions === previous.partitions &&
    sources === previous.sources;
  return kept ? previous : { ...ring, members, partitions, sources };
}

function memberAsBefore(member: MergedMember, before: MergedMember | undefined, nowMs: number): MergedMember {
  if (before === undefined || before === member) return member;
  if (!standsAs(before, member)) return { ...member, sinceMs: nowMs };
  const same =
    before.heartbeatMs === member.heartbeatMs &&
    before.decidedBy === member.decidedBy &&
    isSameMember(before, member) &&
    isSameList(before.opinions, member.opinions, isSameOpinion);
  return same ? before : member;
}

/** `before` itself where nothing is different. */
function shared<T>(before: readonly T[], after: readonly T[], isSame: (a: T, b: T) => boolean): readonly T[] {
  return isSameList(before, after, isSame) ? before : after;
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  return a === b || (a.length === b.length && a.every((one, i) => isSame(one, b[i] as T)));
}

function isSameVoice(a: Opinion, b: Opinion): boolean {
  return a.source === b.source && a.member.state === b.member.state;
}

function isSameOpinion(a: Opinion, b: Opinion): boolean {
  return a.source === b.source && a.heardMs === b.heardMs && (a.member === b.member || isSameRecord(a.member, b.member));
}

function isSamePartition(a: Partition, b: Partition): boolean {
  return a === b || (a.id === b.id && a.state === b.state && isSameList(a.owners, b.owners, Object.is));
}

/** Of objects with the same keys and plain values. */
function isSameRecord<T extends object>(a: T, b: T): boolean {
  return (Object.keys(a) as (keyof T)[]).every((key) => a[key] === b[key]);
}
