// Several peers' copies of one ring as one: gossip reaches them at different times. The rules are dskit's (ring/model.go,
// ring/partition_ring_model.go); where dskit keeps what it had, the choice here does not depend on the order of peers.
import { INSTANCE_STATES, OWNER_STATES, PARTITION_STATES } from './names.ts';
import type { Instance, InstanceRing, Owner, PartitionRing, RingPartition } from './types.ts';

/** The newer heartbeat wins; on a tie LEFT, then the later state. */
export function mergeInstanceRings(rings: readonly InstanceRing[]): InstanceRing {
  return mergeMaps(rings, ({ heartbeatMs, state, address, zone, registeredMs }: Instance) => [
    heartbeatMs,
    INSTANCE_STATES.indexOf(state),
    registeredMs ?? 0,
    address,
    zone,
  ]);
}

/** Partitions by their newer state, owners by their newer update; on a tie DELETED, then the later state. */
export function mergePartitionRings(rings: readonly PartitionRing[]): PartitionRing {
  return {
    partitions: mergeMaps(
      rings.map(({ partitions }) => partitions),
      ({ stateMs, state }: RingPartition) => [stateMs, PARTITION_STATES.indexOf(state)],
    ),
    owners: mergeMaps(
      rings.map(({ owners }) => owners),
      ({ updatedMs, state, partition }: Owner) => [updatedMs, OWNER_STATES.indexOf(state), partition],
    ),
  };
}

/** By key, the entry whose rank is greatest; ranks are compared place by place and decide completely. */
function mergeMaps<K extends string | number, V>(
  maps: readonly ReadonlyMap<K, V>[],
  rankOf: (value: V) => readonly (number | string)[],
): ReadonlyMap<K, V> {
  const merged = new Map<K, V>();
  for (const map of maps) {
    for (const [key, value] of map) {
      const known = merged.get(key);
      if (known === undefined || isGreater(rankOf(value), rankOf(known))) merged.set(key, value);
    }
  }
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isGreater(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  const place = a.findIndex((value, i) => value !== b[i]);
  return place >= 0 && (a[place] as number | string) > (b[place] as number | string);
}
