// The user state of a push/pull: dskit's store, each key with its value behind the length of both (kv/memberlist/memberlist_client.go).
import { RingwayError } from '../../../../core/index.ts';
import { decodeKeyValuePair, type KeyValuePair } from '../../../dskit/index.ts';

const MAX_PAIRS = 100_000;
/** Of keys that nobody asked for, so many are named. */
const MAX_OTHER_KEYS = 8;

export interface Pairs {
  /** Those that were wanted and are not deleted, by key. */
  readonly wanted: ReadonlyMap<string, KeyValuePair>;
  /** Some of the other keys: to say what there is instead. */
  readonly otherKeys: readonly string[];
}

export function readPairs(state: Uint8Array, wantedKeys: ReadonlySet<string>): Pairs {
  const wanted = new Map<string, KeyValuePair>();
  const otherKeys: string[] = [];
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  let at = 0;
  for (let count = 0; at < state.length; count += 1) {
    if (count === MAX_PAIRS) throw bad(`has more than the ${MAX_PAIRS} keys that are allowed`);
    if (state.length - at < 4) throw bad('is cut off within a length');
    const end = at + 4 + view.getUint32(at);
    if (end > state.length) throw bad('is cut off within a key and its value');
    const pair = decodeKeyValuePair(state.subarray(at + 4, end));
    if (wantedKeys.has(pair.key)) {
      if (!pair.deleted) wanted.set(pair.key, pair);
    } else if (otherKeys.length < MAX_OTHER_KEYS) otherKeys.push(pair.key);
    at = end;
  }
  return { wanted, otherKeys };
}

function bad(what: string): RingwayError {
  return new RingwayError(`the store in the reply ${what}`, { code: 'BAD_GOSSIP' });
}
