// Messages of memberlist as Go writes them: structs as maps with sorted fields, texts and byte slices alike as raw.
import ipaddr from 'ipaddr.js';
import { KeyValuePair } from '../../src/gen/dskit/kv.ts';
import { encodeSnappyBlock } from '../../src/membership/dskit/index.ts';
import { encodeLzw } from './memberlist-lzw.ts';

type Value = number | boolean | string | Uint8Array | null;

export interface FakeNode {
  readonly name?: string;
  /** A literal address, or the octets as they are. */
  readonly host: string | Uint8Array;
  readonly port: number;
  /** alive 0, suspect 1, dead 2, left 3. */
  readonly state?: number;
}

export interface FakePair {
  readonly key: string;
  readonly value: Uint8Array;
  readonly codec: string;
  readonly deleted?: boolean;
}

/** A struct in MessagePack of the old specification. */
export function encodeStruct(fields: Readonly<Record<string, Value>>): Buffer {
  const names = Object.keys(fields).sort();
  return Buffer.concat([
    Buffer.of(0x80 + names.length),
    ...names.flatMap((name) => [encodeValue(name), encodeValue(fields[name] ?? null)]),
  ]);
}

function encodeValue(value: Value): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') return encodeNumber(value);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([rawHead(bytes.length), bytes]);
}

function rawHead(length: number): Buffer {
  if (length < 32) return Buffer.of(0xa0 + length);
  const head = Buffer.alloc(length < 65_536 ? 3 : 5);
  if (length < 65_536) head.writeUInt16BE(length, 1);
  else head.writeUInt32BE(length, 1);
  head[0] = length < 65_536 ? 0xda : 0xdb;
  return head;
}

/** Positive ones that fit go as signed: UserStateLen of a real peer came as int16. */
function encodeNumber(value: number): Buffer {
  if (value < 128) return Buffer.of(value);
  if (value > 32_767 && value < 65_536) return Buffer.of(0xcd, value >>> 8, value & 0xff);
  const head = Buffer.alloc(value < 32_768 ? 3 : 5);
  if (value < 32_768) head.writeInt16BE(value, 1);
  else head.writeUInt32BE(value, 1);
  head[0] = value < 32_768 ? 0xd1 : 0xce;
  return head;
}

export function encodePairs(pairs: readonly FakePair[]): Buffer {
  return Buffer.concat(
    pairs.flatMap(({ key, value, codec, deleted = false }) => {
      const bytes = KeyValuePair.encode({ key, value, codec, deleted, updateTimeMillis: 1_795_260_900_000n }).finish();
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** A whole answer, uncompressed. */
export function encodePushPull(nodes: readonly FakeNode[], state: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.of(6),
    encodeStruct({ Join: false, Nodes: nodes.length, UserStateLen: state.length }),
    ...nodes.map(({ name = 'node', host, port, state: nodeState = 0 }) =>
      encodeStruct({
        Addr: typeof host === 'string' ? Uint8Array.from(ipaddr.parse(host).toByteArray()) : host,
        Incarnation: 1,
        Meta: null,
        Name: name,
        Port: port,
        State: nodeState,
        Vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
      }),
    ),
    state,
  ]);
}

export type Compression = 'none' | 'lzw' | 'snappy';

/** As memberlist's compressPayload. */
export function compressMessage(message: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'none') return message;
  const [Algo, Buf] = compression === 'lzw' ? [0, encodeLzw(message)] : [1, encodeSnappyBlock(message)];
  return Buffer.concat([Buffer.of(9), encodeStruct({ Algo, Buf })]);
}
