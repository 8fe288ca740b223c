// One read of one peer: its whole store by a push/pull, and of it both rings.
import { formatHostPort, type HostPort, RingwayError } from '../../../core/index.ts';
import { decodeInstanceRing, decodePartitionRing, type InstanceRing, type KeyValuePair, type PartitionRing } from '../../dskit/index.ts';
import type { GossipSourceOptions } from './options.ts';
import { type PullOptions, pull } from './pull.ts';
import { decodePullReply, type GossipNode, type PullReply } from './wire/index.ts';

/** What one peer knows. */
export interface PeerAnswer {
  readonly instances: InstanceRing;
  /** Null when the ring has none. */
  readonly partitions: PartitionRing | null;
  /** The members of the gossip that it takes for alive. */
  readonly nodes: readonly GossipNode[];
  /** The literal address that was reached. */
  readonly remoteAddress: string;
  /** Of the reply on the wire. */
  readonly replyBytes: number;
}

export type ReadOptions = PullOptions & Pick<GossipSourceOptions, 'keys'>;

/** Rejects with RingwayError, one line that names the peer: codes of `pull` and of the decoders, and `NOT_A_RING`. */
export async function readPeer(peer: HostPort, options: ReadOptions): Promise<PeerAnswer> {
  const { reply, remoteAddress } = await pull(peer, options);
  try {
    return { ...decodeAnswer(reply, options), remoteAddress, replyBytes: reply.length };
  } catch (error) {
    if (error instanceof RingwayError)
      throw new RingwayError(`${formatHostPort(peer)}: ${error.message}`, { code: error.code, cause: error });
    throw error;
  }
}

function decodeAnswer(reply: Uint8Array, { keys }: ReadOptions): Pick<PeerAnswer, 'instances' | 'partitions' | 'nodes'> {
  const wanted = new Set([keys.instances, ...(keys.partitions === null ? [] : [keys.partitions])]);
  const answer = decodePullReply(reply, wanted);
  return {
    nodes: answer.nodes,
    instances: decodeValue(keys.instances, answer, 'ringDesc', decodeInstanceRing),
    partitions: keys.partitions === null ? null : decodeValue(keys.partitions, answer, 'partitionRingDesc', decodePartitionRing),
  };
}

function decodeValue<T>(key: string, { pairs }: PullReply, codec: string, decode: (block: Uint8Array) => T): T {
  const pair = pairs.wanted.get(key);
  if (pair === undefined) throw notARing(`has no key ${JSON.stringify(key)} in its store (${othersOf(pairs)})`);
  if (pair.codec !== codec)
    throw notARing(`has a value of codec ${JSON.stringify(pair.codec.slice(0, 40))} under ${JSON.stringify(key)} where ${codec} should be`);
  return named(key, () => decode(contentOf(pair)));
}

function othersOf({ wanted, otherKeys }: PullReply['pairs']): string {
  const keys = [...wanted.keys(), ...otherKeys].map((key) => JSON.stringify(key.slice(0, 80)));
  return keys.length === 0 ? 'it is empty, as in a process that has just started' : `there are ${keys.join(', ')}`;
}

/** No octets at all are an empty value (dskit kv/memberlist/memberlist_client.go, mergeBytesValueForKey). */
function contentOf({ value }: KeyValuePair): Uint8Array {
  return value.length === 0 ? Uint8Array.of(0) : value;
}

function notARing(what: string): RingwayError {
  return new RingwayError(what, { code: 'NOT_A_RING' });
}

/** Puts the key before what a decoder says. */
function named<T>(key: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RingwayError)
      throw new RingwayError(`${JSON.stringify(key)}: ${error.message}`, { code: error.code, cause: error });
    throw error;
  }
}
