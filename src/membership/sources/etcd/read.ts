// One read: both keys as they were at one revision, and what their bytes mean.
import { RingwayError } from '../../../core/index.ts';
import { decodeInstanceRing, decodePartitionRing, type InstanceRing, type PartitionRing } from '../../dskit/index.ts';
import { badAnswer, failure } from './calls.ts';
import type { EtcdClient } from './client.ts';
import type { EtcdSourceOptions } from './options.ts';

type Keys = EtcdSourceOptions['keys'];

/** What stands under one key. */
export interface Value {
  readonly bytes: Uint8Array;
  /** The revision of its last change, and which change that was. */
  readonly modRevision: bigint;
  readonly version: bigint;
}

/** By key; null: nothing. */
export type Values = Map<string, Value | null>;

/** Keys as they were at one revision. */
export interface Reading {
  readonly values: Values;
  readonly revision: bigint;
}

/** Both rings; `partitions` null when the ring has none. */
export interface Rings {
  readonly instances: InstanceRing;
  readonly partitions: PartitionRing | null;
}

/** Reads these keys as they are at one revision; values that are known are not sent again. Rejects with RingwayError. */
export async function readValues(client: EtcdClient, keys: readonly string[], known: Reading | null): Promise<Reading> {
  const values: Values = new Map();
  let revision: bigint | undefined;
  for (const key of keys) {
    const before = known?.values.get(key) ?? null;
    const changedSince = before === null ? 0n : before.modRevision + 1n;
    const { header, kvs, count } = await client.range(key, { ...(revision === undefined ? {} : { revision }), changedSince });
    if (header === undefined) throw badAnswer(client.endpoint);
    if (known !== null && header.revision < known.revision) return readValues(client, keys, null); // restored from a backup
    revision ??= header.revision;
    const [kv] = kvs;
    if (kv !== undefined) values.set(key, { bytes: kv.value, modRevision: kv.modRevision, version: kv.version });
    else values.set(key, count > 0n ? before : null);
  }
  return { values, revision: revision ?? 0n };
}

/**
 * What values mean. Of two values only one changes at a time: the other is not decoded again. Throws RingwayError that names endpoint and
 * key: `ETCD_NO_KEY`, and the codes of the decoders.
 */
export function createDecoder(endpoint: string, { instances, partitions }: Keys): (values: Values) => Rings {
  const decodeInstances = keepLast(endpoint, instances, decodeInstanceRing);
  const decodePartitions = partitions === null ? () => null : keepLast(endpoint, partitions, decodePartitionRing);
  return (values) => ({ instances: decodeInstances(values), partitions: decodePartitions(values) });
}

function keepLast<T>(endpoint: string, key: string, decode: (bytes: Uint8Array) => T): (values: Values) => T {
  let last: { readonly bytes: Uint8Array; readonly ring: T } | null = null;
  const where = `key ${JSON.stringify(key)}`;
  return (values) => {
    const bytes = values.get(key)?.bytes;
    if (bytes === undefined) throw failure(endpoint, `${where}: there is nothing under it`, 'ETCD_NO_KEY');
    if (last?.bytes === bytes) return last.ring;
    try {
      last = { bytes, ring: decode(bytes) };
      return last.ring;
    } catch (error) {
      if (error instanceof RingwayError) throw failure(endpoint, `${where}: ${error.message}`, error.code, error);
      throw error;
    }
  };
}
