import { messageOf } from '../../core/index.ts';
import { readMessage } from './fields.ts';
import { badRing } from './limits.ts';

/** One key of dskit's store as its members gossip it (kv/memberlist/kv.proto, KeyValuePair). */
export interface KeyValuePair {
  readonly key: string;
  /** As the codec wrote it: a view of the bytes that were read. */
  readonly value: Uint8Array;
  /** `ringDesc`, `partitionRingDesc`, or of things that are no rings. */
  readonly codec: string;
  /** The key is gone, and stays with this mark for a while. */
  readonly deleted: boolean;
}

/** Throws RingwayError `BAD_RING_BYTES`, one line without the origin. */
export function decodeKeyValuePair(bytes: Uint8Array): KeyValuePair {
  const pair = { key: '', value: new Uint8Array() as Uint8Array, codec: '', deleted: false };
  try {
    readMessage(bytes, (reader) => (tag) => {
      if (tag === 0x0a) pair.key = reader.string();
      else if (tag === 0x12) pair.value = reader.bytes();
      else if (tag === 0x1a) pair.codec = reader.string();
      else if (tag === 0x20) pair.deleted = reader.bool();
      else return false;
      return true;
    });
  } catch (error) {
    throw badRing(`are not a key and its value: ${messageOf(error)}`);
  }
  return pair;
}
