// What a member of the gossip answers to a push/pull: the nodes it knows and the keys of its store (memberlist net.go, dskit
// kv/memberlist). Pure. Comes from the network: what does not fit is RingwayError `BAD_GOSSIP` or one of the decoders' codes.
import { RingwayError } from '../../../../core/index.ts';
import { decodeSnappyBlock } from '../../../dskit/index.ts';
import { decodeLzw } from './lzw.ts';
import { COMPRESSED, ENCRYPTED, ERROR, LABEL, LZW, PUSH_PULL, SNAPPY, TLS_ALERT } from './message-type.ts';
import { MsgpackReader } from './msgpack.ts';
import { type GossipNode, readNode } from './node.ts';
import { type Pairs, readPairs } from './pairs.ts';

/** Of a reply, as it comes and decompressed: memberlist's own limit for the latter (compress.go). */
export const MAX_REPLY_BYTES: number = 21 * 1024 * 1024;
const MAX_NODES = 10_000;
/** Nobody needs more of them, and a thousand addresses in each reply are work. Peers shuffle them all the time. */
const MAX_READ_NODES = 64;

export interface PullReply {
  /** Some of those that are alive and say an address, in the order of the reply. */
  readonly nodes: readonly GossipNode[];
  readonly pairs: Pairs;
}

/** Decodes a whole reply; of the pairs only those of `wantedKeys`. */
export function decodePullReply(reply: Uint8Array, wantedKeys: ReadonlySet<string>): PullReply {
  const message = unwrap(withoutLabel(reply));
  const [type] = message;
  if (type === ERROR) throw bad(`is an error of the peer: ${readError(message)}`);
  if (type !== PUSH_PULL) throw unexpected(message);
  return readPushPull(new MsgpackReader(message.subarray(1)), wantedKeys);
}

/** No peer sends one back, but whoever stands between may. */
function withoutLabel(reply: Uint8Array): Uint8Array {
  const [type, length = 0] = reply;
  return type === LABEL ? reply.subarray(2 + length) : reply;
}

/** memberlist compresses once at most. */
function unwrap(message: Uint8Array): Uint8Array {
  if (message[0] !== COMPRESSED) return message;
  let algorithm = 0;
  let compressed: Uint8Array = new Uint8Array();
  const reader = new MsgpackReader(message.subarray(1));
  reader.struct((name) => {
    if (name === 'Algo') algorithm = reader.count(0xff);
    else if (name === 'Buf') compressed = reader.bytes();
    else return false;
    return true;
  });
  if (algorithm === LZW) return decodeLzw(compressed, MAX_REPLY_BYTES);
  if (algorithm === SNAPPY) return decodeSnappyBlock(compressed, MAX_REPLY_BYTES);
  throw bad(`is compressed by algorithm ${algorithm}, known are 0 (LZW) and 1 (snappy)`);
}

function readError(message: Uint8Array): string {
  let text = '';
  const reader = new MsgpackReader(message.subarray(1));
  reader.struct((name) => {
    if (name !== 'Error') return false;
    text = reader.text();
    return true;
  });
  return quote(text);
}

function readPushPull(reader: MsgpackReader, wantedKeys: ReadonlySet<string>): PullReply {
  let nodeCount = 0;
  let stateLength = 0;
  reader.struct((name) => {
    if (name === 'Nodes') nodeCount = reader.count(MAX_NODES);
    else if (name === 'UserStateLen') stateLength = reader.count(MAX_REPLY_BYTES);
    else return false;
    return true;
  });
  const nodes: GossipNode[] = [];
  for (let i = 0; i < nodeCount; i += 1) {
    if (nodes.length === MAX_READ_NODES) reader.skip();
    else {
      const node = readNode(reader);
      if (node !== null) nodes.push(node);
    }
  }
  const state = reader.rest();
  if (state.length < stateLength) throw bad(`is cut off: ${state.length} of ${stateLength} bytes of the store came`);
  return { nodes, pairs: readPairs(state.subarray(0, stateLength), wantedKeys) };
}

function unexpected(message: Uint8Array): RingwayError {
  const [type] = message;
  if (type === undefined) return bad('is empty');
  if (type === ENCRYPTED) return bad('is encrypted, which is not supported: no setting of Tempo does that');
  if (type === TLS_ALERT) return bad('is an alert of TLS: the peer wants TLS');
  return bad(`is no gossip but begins with ${quote(Buffer.from(message.subarray(0, 24)).toString('latin1'))}`);
}

/** In one short line, whatever it is. */
function quote(text: string): string {
  const line = text.slice(0, 200).replaceAll(/[^\x20-\x7e]+/g, '.');
  return JSON.stringify(line);
}

function bad(what: string): RingwayError {
  return new RingwayError(`the reply ${what}`, { code: 'BAD_GOSSIP' });
}
