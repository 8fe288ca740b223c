// The rings as dskit stores them under a key: protobuf in a snappy block (kv/codec/codec.go). The bytes are not canonical: the order of
// entries differs from read to read, so compare what they decode to. Tokens are passed over.
import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { messageOf, RingwayError } from '../../core/index.ts';
import { readInner, readMessage, type TakeField } from './fields.ts';
import { badRing, checkName, MAX_RING_ENTRIES } from './limits.ts';
import { INSTANCE_STATES, OWNER_STATES, PARTITION_STATES } from './names.ts';
import { decodeSnappyBlock } from './snappy.ts';
import type { Instance, InstanceRing, Owner, PartitionRing, RingPartition } from './types.ts';

/**
 * The value of `collectors/live-store`. Throws RingwayError `BAD_SNAPPY` or `BAD_RING_BYTES`, one line without the origin; of the other
 * ring's bytes too.
 */
export function decodeInstanceRing(block: Uint8Array): InstanceRing {
  const instances = new Map<string, Instance>();
  decodeRing(block, 'an instance ring', (reader) => (tag) => {
    if (tag !== 0x0a) return false;
    const { key, value } = readEntry(reader, readText, readInstance, { ...NO_INSTANCE });
    const id = checkName(key ?? '', 'an id');
    instances.set(id, instanceOf(id, value));
    return true;
  });
  return instances;
}

/** The value of `collectors/livestore-partitions`. Throws as decodeInstanceRing does. */
export function decodePartitionRing(block: Uint8Array): PartitionRing {
  const partitions = new Map<number, RingPartition>();
  const owners = new Map<string, Owner>();
  decodeRing(block, 'a partition ring', (reader) => (tag) => {
    if (tag === 0x0a) {
      const { key: id = 0, value } = readEntry(reader, readInt32, readPartition, { state: 0, stateS: 0n });
      const state = nameOf(PARTITION_STATES, value.state, () => `partition ${id}`);
      partitions.set(id, { id, state, stateMs: fromSeconds(value.stateS) });
      return true;
    }
    if (tag !== 0x12) return false;
    const { key, value } = readEntry(reader, readText, readOwner, { partition: 0, state: 0, updatedS: 0n });
    const id = checkName(key ?? '', 'an id');
    const state = nameOf(OWNER_STATES, value.state, () => `owner ${JSON.stringify(id)}`);
    owners.set(id, { id, partition: value.partition, state, updatedMs: fromSeconds(value.updatedS) });
    return true;
  });
  return { partitions, owners };
}

/** Refuses too many entries, and fields that no ring has: the protobuf format itself lets nearly everything pass. */
function decodeRing(block: Uint8Array, what: string, begin: (reader: BinaryReader) => TakeField): void {
  const bytes = decodeSnappyBlock(block);
  let entries = 0;
  try {
    readMessage(bytes, (reader) => {
      const take = begin(reader);
      return (tag) => {
        entries += 1;
        if (entries > MAX_RING_ENTRIES) throw badRing(`hold more than the ${MAX_RING_ENTRIES} entries that are allowed`);
        return take(tag) || refuse();
      };
    });
  } catch (error) {
    if (error instanceof RingwayError) throw error;
    throw badRing(`are not ${what}: ${messageOf(error)}`);
  }
}

function refuse(): never {
  throw new Error('they have fields that no such ring has');
}

interface Entry<K, V> {
  key?: K;
  readonly value: V;
}

type ReadKey<K> = (reader: BinaryReader, tag: number) => K | undefined;
type ReadField<V> = (reader: BinaryReader, tag: number, into: V) => boolean;

/** One entry of a map: its key is field 1, its value field 2. Nothing else is in it, which tells the two rings apart. */
function readEntry<K, V>(reader: BinaryReader, readKey: ReadKey<K>, readField: ReadField<V>, value: V): Entry<K, V> {
  const entry: Entry<K, V> = { value };
  readInner(reader, (tag) => {
    if (tag === 0x12) return readInner(reader, (field) => readField(reader, field, value));
    const key = readKey(reader, tag);
    if (key === undefined) refuse();
    entry.key = key;
    return true;
  });
  return entry;
}

function readText(reader: BinaryReader, tag: number): string | undefined {
  return tag === 0x0a ? reader.string() : undefined;
}

function readInt32(reader: BinaryReader, tag: number): number | undefined {
  return tag === 0x08 ? reader.int32() : undefined;
}

interface InstanceFields {
  id: string;
  address: string;
  zone: string;
  state: number;
  heartbeatS: bigint;
  registeredS: bigint;
}

const NO_INSTANCE: InstanceFields = { id: '', address: '', zone: '', state: 0, heartbeatS: 0n, registeredS: 0n };

/** InstanceDesc (ring/ring.proto): addr 1, timestamp 2, state 3, zone 7, registered_timestamp 8, id 9. */
function readInstance(reader: BinaryReader, tag: number, into: InstanceFields): boolean {
  if (tag === 0x0a) into.address = reader.string();
  else if (tag === 0x10) into.heartbeatS = readInt64(reader);
  else if (tag === 0x18) into.state = reader.int32();
  else if (tag === 0x3a) into.zone = reader.string();
  else if (tag === 0x40) into.registeredS = readInt64(reader);
  else if (tag === 0x4a) into.id = reader.string();
  else return false;
  return true;
}

/** PartitionDesc (ring/partition_ring_desc.proto): state 2, stateTimestamp 3. */
function readPartition(reader: BinaryReader, tag: number, into: { state: number; stateS: bigint }): boolean {
  if (tag === 0x10) into.state = reader.int32();
  else if (tag === 0x18) into.stateS = readInt64(reader);
  else return false;
  return true;
}

/** OwnerDesc (ring/partition_ring_desc.proto): ownedPartition 1, state 2, updatedTimestamp 3. */
function readOwner(reader: BinaryReader, tag: number, into: { partition: number; state: number; updatedS: bigint }): boolean {
  if (tag === 0x08) into.partition = reader.int32();
  else if (tag === 0x10) into.state = reader.int32();
  else if (tag === 0x18) into.updatedS = readInt64(reader);
  else return false;
  return true;
}

function instanceOf(id: string, { id: own, address, zone, state, heartbeatS, registeredS }: InstanceFields): Instance {
  if (own !== '' && own !== id)
    throw badRing(`are not an instance ring: entry ${JSON.stringify(id)} calls itself ${JSON.stringify(checkName(own, 'an id'))}`);
  return {
    id,
    address: checkName(address, 'an address'),
    zone: checkName(zone, 'a zone'),
    state: nameOf(INSTANCE_STATES, state, () => `instance ${JSON.stringify(id)}`),
    heartbeatMs: fromSeconds(heartbeatS),
    registeredMs: fromSeconds(registeredS) || null,
  };
}

function nameOf<T extends string>(names: readonly T[], value: number, whose: () => string): T {
  const name = names[value];
  if (name === undefined) throw badRing(`have the unknown state ${value} of ${whose()}, known are 0 to ${names.length - 1}`);
  return name;
}

/** On every runtime with BigInt, which is where we run, it is one. */
function readInt64(reader: BinaryReader): bigint {
  return BigInt(reader.int64());
}

/** Beyond the year 275760 no time of ours is meant. */
const MAX_SECONDS = 8_640_000_000_000n;

function fromSeconds(seconds: bigint): number {
  if (seconds < 0n || seconds > MAX_SECONDS) throw badRing(`have the impossible time ${seconds} s`);
  return Number(seconds) * 1000;
}
