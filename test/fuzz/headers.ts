import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import { field, headerBlock } from '../../src/http2/index.ts';
import { Flag } from '../../src/http2/protocol.ts';
import type { Field } from '../../src/http2/types.ts';
import { END_HEADERS, literals } from '../support/http2-raw.ts';
import type { Dice } from './dice.ts';
import { frameOf } from './octets.ts';

/** Fields that requests and answers carry or do not. */
const EXTRAS: readonly Field[] = headerBlock([
  ['content-type', 'application/grpc'],
  ['user-agent', 'grpc-go/1.82.1'],
  ['te', 'trailers'],
  ['grpc-encoding', 'snappy'],
  ['grpc-accept-encoding', 'snappy,zstd,gzip'],
  ['grpc-timeout', '9992562u'],
  ['x-scope-orgid', 'single-tenant'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['cookie', 'a=b'],
  ['x-binary-bin', 'AAECAwQFBgc='],
  ['x-empty', ''],
  ['x-long', 'v'.repeat(900)],
  ['x-eight-bit', '\u00e4\u00f6\u00fc\u00ff'],
  ['accept', '*/*'],
  ['via', '1.1 proxy'],
]);
const SECRET = field('x-secret', 'never to be indexed', { neverIndexed: true });

const METHODS = ['POST', 'POST', 'POST', 'POST', 'GET', 'HEAD', 'PUT', 'OPTIONS', 'CONNECT'] as const;

export type Pairs = readonly (readonly [name: string, value: string])[];

const literalOf = new Map<string, Buffer>();
const fieldOf = new Map<string, Field>();

/** A pair as a literal without indexing; made once. */
function literal([name, value]: Pairs[number]): Buffer {
  const key = `${name}: ${value}`;
  const made = literalOf.get(key) ?? literals([[name, value]]);
  literalOf.set(key, made);
  return made;
}

function known([name, value]: Pairs[number]): Field {
  const key = `${name}: ${value}`;
  const made = fieldOf.get(key) ?? field(name, value);
  fieldOf.set(key, made);
  return made;
}

/** The pseudo-header fields of a request. */
export function requestPairs(dice: Dice, path: string): Pairs {
  const method = dice.one(METHODS);
  if (method === 'CONNECT') {
    return [
      [':method', method],
      [':authority', '127.0.0.1:9095'],
    ];
  }
  return [
    [':method', method],
    [':scheme', dice.oneIn(4) ? 'https' : 'http'],
    [':path', path],
    [':authority', dice.one(['127.0.0.13:9096', 'tempo', '[::1]:1', 'a.b.c.d:80'])],
  ];
}

/** Writes header blocks as HEADERS and CONTINUATION, in any way that is allowed; keeps the peer's table of one direction. */
export class HeadersWriter {
  readonly #dice: Dice;
  readonly #encoder = new HpackEncoder();
  /** Some peers never use a table. */
  readonly #usesTable: boolean;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.#usesTable = !dice.oneIn(3);
  }

  /** What the other side said of its table; ours follows. */
  setTableSize(size: number): void {
    this.#encoder.setPeerTableSize(size);
  }

  /** Frames that belong together; `pairs` come first, then any of the usual fields. */
  write(streamId: number, pairs: Pairs, flags: number): Buffer[] {
    return this.#cut(streamId, this.#encode(pairs), flags);
  }

  #encode(pairs: Pairs): Buffer {
    const dice = this.#dice;
    const extras: Field[] = [];
    for (let left = dice.below(6); left > 0; left -= 1) extras.push(dice.oneIn(12) ? SECRET : dice.one(EXTRAS));
    if (!this.#usesTable || dice.oneIn(6)) {
      return Buffer.concat([this.#sizeUpdate(), ...pairs.map(literal), ...extras.map(({ name, value }) => literal([name, value]))]);
    }
    const block = [...pairs.map(known), ...extras];
    const target = Buffer.allocUnsafe(this.#encoder.bound(block));
    return target.subarray(0, this.#encoder.encode(block, target, 0));
  }

  /** What a block must begin with after the table size has changed. */
  #sizeUpdate(): Buffer {
    const target = Buffer.allocUnsafe(this.#encoder.bound([]));
    return target.subarray(0, this.#encoder.encode([], target, 0));
  }

  #cut(streamId: number, block: Buffer, flags: number): Buffer[] {
    const dice = this.#dice;
    const frames: Buffer[] = [];
    let pieces = dice.oneIn(5) ? dice.between(2, 6) : 1;
    if (block.length === 0) pieces = 1;
    let at = 0;
    for (let piece = 0; piece < pieces; piece += 1) {
      const isLast = piece === pieces - 1;
      const size = isLast ? block.length - at : Math.min(block.length - at, dice.between(1, Math.max(1, Math.floor(block.length / 3))));
      const octets = block.subarray(at, at + size);
      at += size;
      const end = isLast ? END_HEADERS : 0;
      if (piece === 0) frames.push(this.#first(streamId, octets, flags | end));
      else if (size > 0 || isLast) frames.push(frameOf('CONTINUATION', end, streamId, octets));
    }
    return frames;
  }

  #first(streamId: number, octets: Buffer, flags: number): Buffer {
    const dice = this.#dice;
    const hasPriority = dice.oneIn(10);
    const padding = dice.oneIn(10) ? dice.below(40) : -1;
    const all = flags | (hasPriority ? Flag.PRIORITY : 0) | (padding < 0 ? 0 : Flag.PADDED);
    const priority = hasPriority ? [0x80, 0, 0, 0, dice.below(256)] : [];
    if (padding < 0) return frameOf('HEADERS', all, streamId, priority, octets);
    return frameOf('HEADERS', all, streamId, [padding], priority, octets, Buffer.alloc(padding));
  }
}
