import { compress } from 'snappyjs';
import { OwnerDesc, OwnerState, PartitionDesc, PartitionRingDesc, PartitionState } from '../../gen/dskit/partition_ring.ts';
import { Desc, InstanceDesc, InstanceState } from '../../gen/dskit/ring.ts';
import { create, encode } from '../messages.ts';
import type { RingInstance, RingOwner } from './sample-ring.ts';

const TOKENS_PER_PARTITION = 512;

/** The instance ring as dskit stores it: protobuf in snappy block format. */
export function encodeInstanceRing(instances: readonly RingInstance[]): Uint8Array {
  const entries = instances.map((instance): [string, InstanceDesc] => [
    instance.id,
    create(InstanceDesc, {
      id: instance.id,
      addr: instance.address,
      zone: instance.zone,
      state: InstanceState[instance.state],
      timestamp: seconds(instance.heartbeatMs),
      registeredTimestamp: seconds(instance.registeredMs),
    }),
  ]);
  return compress(encode(Desc, { ingesters: new Map(entries) }));
}

/** The partition ring as dskit stores it; owners that were deleted stay as tombstones. */
export function encodePartitionRing(owners: readonly RingOwner[]): Uint8Array {
  const partitions = new Map<number, PartitionDesc>();
  for (const { partition, updatedMs } of owners) {
    const known = partitions.get(partition);
    const stateTimestamp = known && known.stateTimestamp < seconds(updatedMs) ? known.stateTimestamp : seconds(updatedMs);
    const fields = { id: partition, state: PartitionState.PARTITION_ACTIVE, stateTimestamp, tokens: tokensOf(partition) };
    partitions.set(partition, create(PartitionDesc, fields));
  }
  const entries = owners.map((owner): [string, OwnerDesc] => {
    const state = owner.state === 'ACTIVE' ? OwnerState.OWNER_ACTIVE : OwnerState.OWNER_DELETED;
    return [owner.id, create(OwnerDesc, { ownedPartition: owner.partition, state, updatedTimestamp: seconds(owner.updatedMs) })];
  });
  return compress(encode(PartitionRingDesc, { partitions, owners: new Map(entries) }));
}

/** The tokens of a partition, evenly spread; nobody reads them, but a real ring has them. */
export function tokensOf(partition: number): number[] {
  const step = 2 ** 32 / TOKENS_PER_PARTITION;
  return Array.from({ length: TOKENS_PER_PARTITION }, (_, i) => i * step + partition);
}

function seconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}
