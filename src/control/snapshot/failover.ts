import type { Owner, RingStage, StagedMember } from '../stage/types.ts';

/** More than these are no help: a call has no time for more tries, and a ring that names a thousand zones must not make a million endpoints. */
const MAX_STAND_INS = 7;

/** The owners of one partition. */
interface PartitionOwners {
  /** Zones that have exactly one owner, refused ones and those that left but are still called included. */
  readonly single: ReadonlySet<string>;
  /** Owners that may stand in for others: alone in their zone, in the ring, with an address that may be dialled. In order of zone. */
  readonly eligible: readonly StagedMember[];
  /** Where in `eligible` the one of a zone stands. */
  readonly at: ReadonlyMap<string, number>;
}

/** Who owns what in one ring. */
export type Owners = ReadonlyMap<number, PartitionOwners>;

/** Looks through a ring once, for all calls of standInsOf. */
export function ownersOf({ members, refused }: RingStage): Owners {
  const routed = members.filter(({ phase }) => phase.kind !== 'unrouted');
  const all = byPartition<Owner>([...refused, ...routed]);
  const present = byPartition(members.filter(({ phase }) => phase.kind === 'present'));
  return new Map([...all].map(([partition, owners]) => [partition, partitionOwners(owners, present.get(partition) ?? [])]));
}

function partitionOwners(owners: readonly Owner[], present: readonly StagedMember[]): PartitionOwners {
  // A member may have left under the address it had and be refused under its new one: then it stands there twice.
  const zones = Map.groupBy(new Map(owners.map((owner) => [`${owner.id} ${owner.zone}`, owner])).values(), ({ zone }) => zone);
  const single = new Set([...zones].filter(([zone, inZone]) => zone !== '' && inZone.length === 1).map(([zone]) => zone));
  const eligible = present.filter(({ zone }) => single.has(zone)).sort((a, b) => (a.zone < b.zone ? -1 : 1));
  return { single, eligible, at: new Map(eligible.map(({ zone }, i) => [zone, i])) };
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
export function standInsOf({ zone, partition }: StagedMember, owners: Owners, clientZone: string): readonly StagedMember[] {
  const { single, eligible, at } = (partition === null ? undefined : owners.get(partition)) ?? NOBODY;
  if (partition === null || !single.has(zone)) return [];
  const own = at.get(zone) ?? eligible.length;
  const others = own < eligible.length ? eligible.length - 1 : eligible.length;
  const near = clientZone === zone ? undefined : eligible[at.get(clientZone) ?? eligible.length];
  const standIns = near ? [near] : [];
  for (let i = 0; i < others && standIns.length < MAX_STAND_INS; i += 1) {
    const turn = (Math.abs(partition) + i) % others;
    const other = eligible[turn < own ? turn : turn + 1];
    if (other && other !== near) standIns.push(other);
  }
  return standIns;
}

const NOBODY: PartitionOwners = { single: new Set(), eligible: [], at: new Map() };

function byPartition<T extends Owner>(owners: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const owning = owners.filter(({ partition }) => partition !== null);
  return Map.groupBy(owning, ({ partition }) => partition as number);
}
