// The rings as dskit stores them under a key: protobuf in a snappy block (kv/codec/codec.go). The bytes are not canonical: the order of
// entries differs from read to read, so compare what they decode to.
import { messageOf, RingwayError } from '../../core/index.ts';
import { PartitionRingDesc } from '../../gen/dskit/partition_ring.ts';
import { Desc, type InstanceDesc } from '../../gen/dskit/ring.ts';
import { INSTANCE_STATES, OWNER_STATES, PARTITION_STATES } from './names.ts';
import { decodeSnappyBlock, encodeSnappyBlock } from './snappy.ts';
import type { Instance, InstanceRing, Owner, PartitionRing, RingPartition } from './types.ts';

/** The value of `collectors/live-store`. Throws RingwayError `BAD_SNAPPY` or `BAD_RING_BYTES`, one line without the origin. */
export function decodeInstanceRing(block: Uint8Array): InstanceRing {
  const { ingesters } = decodeMessage(block, 'an instance ring', Desc, (ring) => ring.ingesters.size);
  return new Map([...ingesters].map(([id, desc]) => [id, instanceOf(id, desc)]));
}

/** The value of `collectors/livestore-partitions`. Throws as decodeInstanceRing does. */
export function decodePartitionRing(block: Uint8Array): PartitionRing {
  const ring = decodeMessage(block, 'a partition ring', PartitionRingDesc, ({ partitions, owners }) => partitions.size + owners.size);
  const partitions = [...ring.partitions].map(([id, { state, stateTimestamp }]): [number, RingPartition] => {
    return [id, { id, state: nameOf(PARTITION_STATES, state, `partition ${id}`), stateMs: fromSeconds(stateTimestamp) }];
  });
  const owners = [...ring.owners].map(([id, { ownedPartition, state, updatedTimestamp }]): [string, Owner] => {
    return [
      id,
      {
        id,
        partition: ownedPartition,
        state: nameOf(OWNER_STATES, state, `owner ${JSON.stringify(id)}`),
        updatedMs: fromSeconds(updatedTimestamp),
      },
    ];
  });
  return { partitions: new Map(partitions), owners: new Map(owners) };
}

/** What decodeInstanceRing reads: for whoever plays a Tempo. */
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

interface Codec<T> {
  decode(bytes: Uint8Array): T;
}

interface WithUnknownFields {
  readonly _unknownFields?: Readonly<Record<number, readonly Uint8Array[]>> | undefined;
}

/** Refuses what the protobuf reader lets pass: bytes that hold no entry at all, or fields that no ring has. */
function decodeMessage<T extends WithUnknownFields>(block: Uint8Array, what: string, codec: Codec<T>, entries: (message: T) => number): T {
  const bytes = decodeSnappyBlock(block);
  let message: T;
  try {
    message = codec.decode(bytes);
  } catch (error) {
    throw bad(`are not ${what}: ${messageOf(error)}`);
  }
  if (Object.keys(message._unknownFields ?? {}).length > 0) throw bad(`are not ${what}: they have fields that no such ring has`);
  if (bytes.length > 0 && entries(message) === 0) throw bad(`are not ${what}: they hold no entry`);
  return message;
}

function instanceOf(id: string, desc: InstanceDesc): Instance {
  if (desc.id !== '' && desc.id !== id)
    throw bad(`are not an instance ring: entry ${JSON.stringify(id)} calls itself ${JSON.stringify(desc.id)}`);
  return {
    id,
    address: desc.addr,
    zone: desc.zone,
    state: nameOf(INSTANCE_STATES, desc.state, `instance ${JSON.stringify(id)}`),
    heartbeatMs: fromSeconds(desc.timestamp),
    registeredMs: fromSeconds(desc.registeredTimestamp) || null,
  };
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

function nameOf<T extends string>(names: readonly T[], value: number, whose: string): T {
  const name = names[value];
  if (name === undefined) throw bad(`have the unknown state ${value} of ${whose}, known are 0 to ${names.length - 1}`);
  return name;
}

/** A name's place is its number on the wire, which TypeScript cannot follow. */
function numberOf<T extends string, N extends number>(names: readonly T[], name: T): N {
  return names.indexOf(name) as N;
}

/** Beyond the year 275760 no time of ours is meant. */
const MAX_SECONDS = 8_640_000_000_000n;

function fromSeconds(seconds: bigint): number {
  if (seconds < 0n || seconds > MAX_SECONDS) throw bad(`have the impossible time ${seconds} s`);
  return Number(seconds) * 1000;
}

function toSeconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}

function bad(what: string): RingwayError {
  return new RingwayError(`the bytes ${what}`, { code: 'BAD_RING_BYTES' });
}
