import type { Owner, RingStage, StagedMember } from '../stage/types.ts';

/** Who owns what in one ring. */
export interface Owners {
  /** All owners of a partition, refused ones and those that left but are still called included; never empty. */
  readonly all: ReadonlyMap<number, readonly Owner[]>;
  /** Those of them that are in the ring and may be dialled. */
  readonly present: ReadonlyMap<number, readonly StagedMember[]>;
}

/** Looks through a ring once, for all calls of standInsOf. */
export function ownersOf({ members, refused }: RingStage): Owners {
  // A member may have left under the address it had and be refused under its new one.
  const byId = new Map<string, Owner>(
    [...refused, ...members.filter(({ phase }) => phase.kind !== 'unrouted')].map((owner) => [owner.id, owner]),
  );
  return {
    all: byPartition([...byId.values()]),
    present: byPartition(members.filter(({ phase }) => phase.kind === 'present')),
  };
}

/**
 * Who may answer in a member's place, best first: the other owners of its partition that do so without falsifying a query.
 *
 * A querier asks all owners that a partition has in one zone and merges what they say; another zone is asked only when one of them
 * fails (dskit ring.DoUntilQuorum with zone awareness). So an answer stands for its zone only if its owner is alone there:
 * - the member must be its zone's only owner of the partition, else what the stand-in says is merged with its neighbour's and counted twice;
 * - the stand-in must be its zone's only owner, else it says a part of what its zone knows;
 * - owners without a zone are all in one and the same, unnamed, zone: nobody stands in for them, and they for nobody.
 * Owners whose address is refused and those whose authorities linger count as owners: queriers still know them.
 *
 * Order: the client's own zone, then the others in turn, beginning elsewhere for each partition so that no zone takes over everything.
 */
export function standInsOf(member: StagedMember, { all, present }: Owners, clientZone: string): readonly StagedMember[] {
  const { zone, partition } = member;
  if (zone === '' || partition === null) return [];
  const owners = all.get(partition) ?? [];
  const alone = (owner: Owner): boolean => owners.filter((other) => other.zone === owner.zone).length === 1;
  if (!alone(member)) return [];
  const eligible = (present.get(partition) ?? []).filter((other) => other.zone !== '' && other.zone !== zone && alone(other));
  const sorted = eligible.toSorted((a, b) => (a.zone < b.zone ? -1 : 1));
  const turn = sorted.length === 0 ? 0 : Math.abs(partition) % sorted.length;
  const inTurn = [...sorted.slice(turn), ...sorted.slice(0, turn)];
  return [...inTurn.filter((other) => other.zone === clientZone), ...inTurn.filter((other) => other.zone !== clientZone)];
}

function byPartition<T extends Owner>(owners: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const owning = owners.filter(({ partition }) => partition !== null);
  return Map.groupBy(owning, ({ partition }) => partition as number);
}
