// One read: both keys as they were at one revision, and what their bytes mean.
import { RingwayError } from '../../../core/index.ts';
import { decodeInstanceRing, decodePartitionRing, type InstanceRing, type PartitionRing } from '../../dskit/index.ts';
import { badAnswer, failure } from './calls.ts';
import type { EtcdClient } from './client.ts';
import type { EtcdSourceOptions } from './options.ts';

type Keys = EtcdSourceOptions['keys'];

/** What stands under each key; null: nothing. */
export type Values = Map<string, Uint8Array | null>;

/** Both rings; `partitions` null when the ring has none. */
export interface Rings {
  readonly instances: InstanceRing;
  readonly partitions: PartitionRing | null;
}

/** Reads these keys as they are at one revision. Rejects with RingwayError. */
export async function readValues(
  client: EtcdClient,
  keys: readonly string[],
): Promise<{ readonly values: Values; readonly revision: bigint }> {
  const values: Values = new Map();
  let revision = 0n;
  for (const key of keys) {
    const { header, kvs } = await client.range(key, revision);
    if (header === undefined) throw badAnswer(client.endpoint);
    if (revision === 0n) revision = header.revision;
    values.set(key, kvs[0]?.value ?? null);
  }
  return { values, revision };
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
  let last: { readonly value: Uint8Array; readonly ring: T } | null = null;
  const where = `key ${JSON.stringify(key)}`;
  return (values) => {
    const value = values.get(key) ?? null;
    if (value === null) throw failure(endpoint, `${where}: there is nothing under it`, 'ETCD_NO_KEY');
    if (last?.value === value) return last.ring;
    try {
      last = { value, ring: decode(value) };
      return last.ring;
    } catch (error) {
      if (error instanceof RingwayError) throw failure(endpoint, `${where}: ${error.message}`, error.code, error);
      throw error;
    }
  };
}
