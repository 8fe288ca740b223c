import type { Catalog, MemberId, MergedMember, Ring } from '../../membership/types.ts';
import { authorityKey, byId, findConflicts, isRoutable } from './claims.ts';
import { isSameMember, isSameRing } from './same.ts';
import type { Domain, LingerTimings, Owner, RingStage, Stage, StagedMember } from './types.ts';

/** Everything one step looks at for one ring. */
interface Step {
  readonly nowMs: number;
  readonly timings: LingerTimings;
  readonly conflicts: ReadonlyMap<MemberId, string>;
}

/**
 * The stage after `previous`, as `catalog` stands at `nowMs`. Pure. A ring that has not been read, or is empty and may not be, is not in it yet; a ring that left
 * the catalog leaves the stage at once. Each call moves a member by one phase at most, so a route is gone one stage before its cluster.
 */
export function advanceStage(previous: Stage | null, catalog: Catalog, nowMs: number, timings: LingerTimings): Stage {
  const conflicts = findConflicts(catalog);
  const rings = new Map<string, RingStage>();
  let nextMs: number | null = null;
  for (const ring of catalog.rings.values()) {
    const before = previous?.rings.get(ring.name);
    if (!before && !(hasBeenRead(ring) && isBelieved(ring))) continue;
    const after = advanceRing(before, ring, { nowMs, timings, conflicts: conflicts.get(ring.name) ?? new Map() });
    rings.set(ring.name, before && isSameRing(before, after) ? before : after);
    for (const deadlineMs of deadlinesOf(after)) nextMs = nextMs === null ? deadlineMs : Math.min(nextMs, deadlineMs);
  }
  return { rings, nextMs };
}

/**
 * Has one of its sources been read, and each of the others as well, or does the ring go on without it? Until then a restarted control
 * would tell sidecars that the members of the slower or failing sources are gone.
 */
function hasBeenRead({ sources }: Ring): boolean {
  return sources.some(({ asOfMs }) => asOfMs !== null) && sources.every(({ asOfMs, expired }) => asOfMs !== null || expired);
}

/** A ring that is empty when control starts may have been full a moment before: sidecars that have its members keep them. */
function isBelieved({ members, emptyGuard }: Ring): boolean {
  return members.length > 0 || !emptyGuard;
}

function advanceRing(before: RingStage | undefined, ring: Ring, step: Step): RingStage {
  const inRing = ring.members.filter((member) => member.state !== 'LEFT');
  const routed = inRing.filter((member) => isRoutable(member) && !step.conflicts.has(member.id));
  const ids = new Set(routed.map((member) => member.id));
  const taken = new Set(routed.map((member) => authorityKey(member.address)));
  const known = new Map(before?.members.map((member) => [member.id, member]));
  const members = [
    ...routed.map((member) => stayOrJoin(known.get(member.id), member, taken, step)),
    ...[...known.values()].filter(({ id }) => !ids.has(id)).flatMap((member) => leave(member, taken, step)),
  ];
  return {
    name: ring.name,
    members: members.map((member) => unchanged(known.get(member.id), member)).sort(byId),
    refused: inRing
      .filter(({ id }) => !ids.has(id))
      .map(ownerOf)
      .sort(byId),
  };
}

function unchanged(before: StagedMember | undefined, after: StagedMember): StagedMember {
  return before && isSameMember(before, after) ? before : after;
}

/** Whoever calls an address it had wants the partition that it had then: with another partition it does not answer there. */
function stayOrJoin(before: StagedMember | undefined, member: MergedMember, taken: ReadonlySet<string>, step: Step): StagedMember {
  const former = before?.partition === member.partition ? lingering(before.domains, taken, step) : [];
  return {
    ...ownerOf(member),
    address: member.address,
    healthy: member.unhealthy === null,
    domains: [{ address: member.address, untilMs: null }, ...former],
    phase: { kind: 'present' },
  };
}

function leave(member: StagedMember, taken: ReadonlySet<string>, step: Step): StagedMember[] {
  if (member.phase.kind === 'unrouted') return step.nowMs < member.phase.untilMs ? [member] : [];
  const domains = lingering(member.domains, taken, step);
  const phase: StagedMember['phase'] =
    domains.length > 0 ? { kind: 'leaving' } : { kind: 'unrouted', untilMs: step.nowMs + step.timings.clusterMs };
  return [{ ...member, healthy: false, domains, phase }];
}

/** Authorities that the ring does not give out any more and that nobody else has taken. */
function lingering(domains: readonly Domain[], taken: ReadonlySet<string>, { nowMs, timings }: Step): Domain[] {
  return domains
    .filter(({ address }) => !taken.has(authorityKey(address)))
    .map(({ address, untilMs }) => ({ address, untilMs: untilMs ?? nowMs + timings.routeMs }))
    .filter(({ untilMs }) => nowMs < untilMs);
}

function ownerOf({ id, zone, partition }: Owner): Owner {
  return { id, zone, partition };
}

function deadlinesOf({ members }: RingStage): number[] {
  return members.flatMap(({ domains, phase }) => [
    ...domains.flatMap(({ untilMs }) => untilMs ?? []),
    ...(phase.kind === 'unrouted' ? [phase.untilMs] : []),
  ]);
}
