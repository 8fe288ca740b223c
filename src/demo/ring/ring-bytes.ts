import { encodeInstanceRing, encodePartitionRing } from '../../membership/dskit/index.ts';
import type { RingInstance, RingOwner } from './sample-ring.ts';

/** The instance ring as Tempo's `/memberlist?downloadKey=` gives it. */
export function instanceRingBytes(instances: readonly RingInstance[]): Uint8Array {
  return encodeInstanceRing(new Map(instances.map((instance) => [instance.id, instance])));
}

/** The partition ring in the same form; owners that were deleted stay as tombstones. */
export function partitionRingBytes(owners: readonly RingOwner[]): Uint8Array {
  const partitions = [...partitionsOf(owners)].map(([id, stateMs]) => [id, { id, state: 'ACTIVE', stateMs }] as const);
  return encodePartitionRing({ partitions: new Map(partitions), owners: new Map(owners.map((owner) => [owner.id, owner])) });
}

/** Partitions by number, each with the time of its first owner. */
export function partitionsOf(owners: readonly RingOwner[]): ReadonlyMap<number, number> {
  const since = new Map<number, number>();
  for (const { partition, updatedMs } of owners) since.set(partition, Math.min(updatedMs, since.get(partition) ?? updatedMs));
  return new Map([...since].sort(([a], [b]) => a - b));
}
