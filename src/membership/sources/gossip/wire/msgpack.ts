// MessagePack as memberlist writes and reads it (hashicorp/go-msgpack with the old specification): structs are maps, texts and byte slices
// are both `raw`, nil stands for an empty slice. Read by hand: objects stand one after the other and then come bytes that are none, and a
// reader of any depth can be made to take 170 octets of memory for each one that a peer sends.
import { RingwayError } from '../../../../core/index.ts';

/** memberlist's own have up to seven. */
const MAX_FIELDS = 64;

/** Reads values off the front of `bytes`. Throws RingwayError `BAD_GOSSIP`, one line without the origin. */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The octets after the values that were read. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** A struct: `take` reads the value of each field off this reader, or says with false that it is to be passed over. */
  struct(take: (name: string) => boolean): void {
    const head = this.#byte();
    const size = (head & 0xf0) === 0x80 ? head & 0x0f : (this.#length(head, MAPS) ?? wrong(head, 'a map'));
    if (size > MAX_FIELDS) throw bad(`has a map of ${size} fields, at most ${MAX_FIELDS} are allowed`);
    for (let i = 0; i < size; i += 1) if (!take(this.text())) this.skip();
  }

  text(): string {
    const { buffer, byteOffset, length } = this.bytes();
    return Buffer.from(buffer, byteOffset, length).toString();
  }

  /** Octets in any of the forms that Go's reader takes: raw, binary, nil, an array of small numbers. A view where that is possible. */
  bytes(): Uint8Array {
    const head = this.#byte();
    if (head === 0xc0) return new Uint8Array();
    if ((head & 0xe0) === 0xa0) return this.#take(head & 0x1f);
    const length = this.#length(head, RAWS);
    if (length !== null) return this.#take(length);
    const items = (head & 0xf0) === 0x90 ? head & 0x0f : (this.#length(head, ARRAYS) ?? wrong(head, 'octets'));
    this.#need(items);
    const octets = new Uint8Array(items);
    for (let i = 0; i < items; i += 1) octets[i] = this.count(0xff);
    return octets;
  }

  /** A whole number from 0 to `max`. */
  count(max: number): number {
    const head = this.#byte();
    const value = head < 0x80 ? head : this.#number(head);
    if (value < 0 || value > max) throw bad(`has the number ${value} where 0 to ${max} are allowed`);
    return value;
  }

  /** Passes over one value of any kind and depth, without recursion. */
  skip(): void {
    for (let left = 1; left > 0; left -= 1) {
      const head = this.#byte();
      if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) continue;
      if ((head & 0xe0) === 0xa0) this.#take(head & 0x1f);
      else if ((head & 0xf0) === 0x90) left += head & 0x0f;
      else if ((head & 0xf0) === 0x80) left += 2 * (head & 0x0f);
      else if (FIXED[head] !== undefined) this.#take(FIXED[head]);
      else left += this.#skipSized(head);
    }
  }

  /** How many values follow that belong to it. */
  #skipSized(head: number): number {
    const items = this.#length(head, ARRAYS);
    if (items !== null) return items;
    const pairs = this.#length(head, MAPS);
    if (pairs !== null) return 2 * pairs;
    this.#take(this.#length(head, RAWS) ?? (this.#length(head, EXTENSIONS) ?? wrong(head, 'a value')) + 1);
    return 0;
  }

  #number(head: number): number {
    const at = this.#at;
    this.#take(FIXED[head] ?? wrong(head, 'a number'));
    switch (head) {
      case 0xcc:
        return this.#view.getUint8(at);
      case 0xcd:
        return this.#view.getUint16(at);
      case 0xce:
        return this.#view.getUint32(at);
      case 0xcf:
        return Number(this.#view.getBigUint64(at));
      case 0xd0:
        return this.#view.getInt8(at);
      case 0xd1:
        return this.#view.getInt16(at);
      case 0xd2:
        return this.#view.getInt32(at);
      case 0xd3:
        return Number(this.#view.getBigInt64(at));
      default:
        return wrong(head, 'a whole number');
    }
  }

  /** The length that follows a head of this family; null of another one's. */
  #length(head: number, family: Readonly<Record<number, 1 | 2 | 4>>): number | null {
    const width = family[head];
    if (width === undefined) return null;
    const at = this.#at;
    this.#take(width);
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++] as number;
  }

  #take(length: number): Uint8Array {
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #need(length: number): void {
    if (length > this.#bytes.length - this.#at) throw bad('is cut off');
  }
}

/** Heads of values with a length before them, and how many octets it has. */
const RAWS: Readonly<Record<number, 1 | 2 | 4>> = { 196: 1, 197: 2, 198: 4, 217: 1, 218: 2, 219: 4 };
const ARRAYS: Readonly<Record<number, 1 | 2 | 4>> = { 220: 2, 221: 4 };
const MAPS: Readonly<Record<number, 1 | 2 | 4>> = { 222: 2, 223: 4 };
const EXTENSIONS: Readonly<Record<number, 1 | 2 | 4>> = { 199: 1, 200: 2, 201: 4 };

/** Heads of values of a fixed size: floats, whole numbers, small extensions with their type. */
const FIXED: Readonly<Record<number, number>> = {
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  212: 2,
  213: 3,
  214: 5,
  215: 9,
  216: 17,
};

function wrong(head: number, wanted: string): never {
  throw bad(`has the MessagePack octet 0x${head.toString(16)} where ${wanted} should be`);
}

function bad(what: string): RingwayError {
  return new RingwayError(`the reply ${what}`, { code: 'BAD_GOSSIP' });
}
