import type { Domain, Owner, RingStage, StagedMember } from './types.ts';

/** Whether two stages of a ring are the same; of members those that are the same are one object. */
export function isSameRing(a: RingStage, b: RingStage): boolean {
  return a.name === b.name && isSameList(a.members, b.members, Object.is) && isSameList(a.refused, b.refused, isSameOwner);
}

export function isSameMember(a: StagedMember, b: StagedMember): boolean {
  return (
    a === b ||
    (isSameOwner(a, b) &&
      a.address === b.address &&
      a.healthy === b.healthy &&
      isSameList(a.domains, b.domains, isSameDomain) &&
      isSamePhase(a.phase, b.phase))
  );
}

function isSameOwner(a: Owner, b: Owner): boolean {
  return a.id === b.id && a.zone === b.zone && a.partition === b.partition;
}

function isSameDomain(a: Domain, b: Domain): boolean {
  return a.address === b.address && a.untilMs === b.untilMs;
}

function isSamePhase(a: StagedMember['phase'], b: StagedMember['phase']): boolean {
  return a.kind === b.kind && (a.kind !== 'unrouted' || b.kind !== 'unrouted' || a.untilMs === b.untilMs);
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  return a.length === b.length && a.every((one, i) => isSame(one, b[i] as T));
}
