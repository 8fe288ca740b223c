// Several peers' copies of one ring as one: gossip reaches them at different times. The rules are dskit's (ring/model.go,
// ring/partition_ring_model.go); where dskit keeps what it had, the choice here does not depend on the order of peers.
import { INSTANCE_STATES, OWNER_STATES, PARTITION_STATES } from './names.ts';
import type { Instance, InstanceRing, Owner, PartitionRing, RingPartition } from './types.ts';

/** The newer heartbeat wins; on a tie LEFT, then the later state. */
export function mergeInstanceRings(rings: readonly InstanceRing[]): InstanceRing {
  return mergeMaps(rings, isNewerInstance);
}

/** Partitions by their newer state, owners by their newer update; on a tie DELETED, then the later state. */
export function mergePartitionRings(rings: readonly PartitionRing[]): PartitionRing {
  return {
    partitions: mergeMaps(
      rings.map(({ partitions }) => partitions),
      isNewerPartition,
    ),
    owners: mergeMaps(
      rings.map(({ owners }) => owners),
      isNewerOwner,
    ),
  };
}

/** Whether `a` is what a merge keeps of two different entries of one id; never so both ways round. */
export function isNewerInstance(a: Instance, b: Instance): boolean {
  if (a.heartbeatMs !== b.heartbeatMs) return a.heartbeatMs > b.heartbeatMs;
  if (a.state !== b.state) return INSTANCE_STATES.indexOf(a.state) > INSTANCE_STATES.indexOf(b.state);
  if (a.registeredMs !== b.registeredMs) return (a.registeredMs ?? 0) > (b.registeredMs ?? 0);
  return a.address === b.address ? a.zone > b.zone : a.address > b.address;
}

/** As isNewerInstance. */
export function isNewerPartition(a: RingPartition, b: RingPartition): boolean {
  if (a.stateMs !== b.stateMs) return a.stateMs > b.stateMs;
  return PARTITION_STATES.indexOf(a.state) > PARTITION_STATES.indexOf(b.state);
}

/** As isNewerInstance. */
export function isNewerOwner(a: Owner, b: Owner): boolean {
  if (a.updatedMs !== b.updatedMs) return a.updatedMs > b.updatedMs;
  if (a.state !== b.state) return OWNER_STATES.indexOf(a.state) > OWNER_STATES.indexOf(b.state);
  return a.partition > b.partition;
}

/** By key, the newest entry. */
function mergeMaps<K extends string | number, V>(maps: readonly ReadonlyMap<K, V>[], isNewer: (a: V, b: V) => boolean): ReadonlyMap<K, V> {
  const merged = new Map<K, V>();
  for (const map of maps) {
    for (const [key, value] of map) {
      const known = merged.get(key);
      if (known === undefined || isNewer(value, known)) merged.set(key, value);
    }
  }
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}
