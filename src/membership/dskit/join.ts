import type { Member, MemberId, Partition } from '../types.ts';
import type { InstanceRing, PartitionRing } from './types.ts';

/** What a source reports of a ring. */
export interface JoinedRings {
  readonly members: readonly Member[];
  readonly partitions: readonly Partition[];
}

/**
 * The two rings as members and partitions, joined on owner id = instance id. Tombstones stay (LEFT, DELETED): the merge drops them. A
 * DELETED owner owns nothing, an owner of a partition that does not exist neither. `partitions` null: the ring has none.
 */
export function joinRings(instances: InstanceRing, partitions: PartitionRing | null): JoinedRings {
  const owned = new Map<MemberId, number>();
  const owners = new Map<number, MemberId[]>([...(partitions?.partitions.keys() ?? [])].map((id) => [id, []]));
  for (const { id, partition, state } of partitions?.owners.values() ?? []) {
    const ids = state === 'DELETED' ? undefined : owners.get(partition);
    if (ids === undefined) continue;
    owned.set(id, partition);
    ids.push(id);
  }
  return {
    members: [...instances.values()].map((instance) => ({ ...instance, partition: owned.get(instance.id) ?? null })).sort(byId),
    partitions: [...(partitions?.partitions.values() ?? [])]
      .sort(byId)
      .map(({ id, state }) => ({ id, state, owners: owners.get(id)?.sort() ?? [] })),
  };
}

function byId<T extends string | number>(a: { readonly id: T }, b: { readonly id: T }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
