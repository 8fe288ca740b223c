// The rings as the bytes that decode.ts reads: for whoever plays a Tempo.
import { PartitionRingDesc } from '../../gen/dskit/partition_ring.ts';
import { Desc, type InstanceDesc } from '../../gen/dskit/ring.ts';
import { INSTANCE_STATES, OWNER_STATES, PARTITION_STATES } from './names.ts';
import { encodeSnappyBlock } from './snappy.ts';
import type { Instance, InstanceRing, PartitionRing } from './types.ts';

/** What decodeInstanceRing reads. */
export function encodeInstanceRing(ring: InstanceRing): Uint8Array {
  const ingesters = new Map([...ring].map(([id, instance]): [string, InstanceDesc] => [id, descOf(instance)]));
  return encodeSnappyBlock(Desc.encode({ ingesters }).finish());
}

/** What decodePartitionRing reads. */
export function encodePartitionRing({ partitions, owners }: PartitionRing): Uint8Array {
  const message: PartitionRingDesc = {
    partitions: new Map(
      [...partitions].map(([id, { state, stateMs }]) => [
        id,
        {
          id,
          tokens: [],
          state: numberOf(PARTITION_STATES, state),
          stateTimestamp: toSeconds(stateMs),
          stateChangeLocked: false,
          stateChangeLockedTimestamp: 0n,
        },
      ]),
    ),
    owners: new Map(
      [...owners].map(([id, { partition, state, updatedMs }]) => [
        id,
        { ownedPartition: partition, state: numberOf(OWNER_STATES, state), updatedTimestamp: toSeconds(updatedMs) },
      ]),
    ),
  };
  return encodeSnappyBlock(PartitionRingDesc.encode(message).finish());
}

function descOf({ id, address, zone, state, heartbeatMs, registeredMs }: Instance): InstanceDesc {
  return {
    id,
    addr: address,
    zone,
    state: numberOf(INSTANCE_STATES, state),
    timestamp: toSeconds(heartbeatMs),
    registeredTimestamp: toSeconds(registeredMs ?? 0),
    tokens: [],
    readOnly: false,
    readOnlyUpdatedTimestamp: 0n,
    versions: new Map(),
  };
}

/** A name's place is its number on the wire, which TypeScript cannot follow. */
function numberOf<T extends string, N extends number>(names: readonly T[], name: T): N {
  return names.indexOf(name) as N;
}

function toSeconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}
