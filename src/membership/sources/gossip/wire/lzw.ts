// LZW as Go's compress/lzw writes it with LSB order and 8-bit literals, which is memberlist's algorithm 0: codes of 9 to 12 bits, 256 clears
// the table, 257 ends. Each further code means a piece of what was already written, so the table holds only places in the output.
import { RingwayError } from '../../../../core/index.ts';

const CLEAR = 256;
const END = 257;
const FIRST_BITS = 9;
const LAST_BITS = 12;
const TABLE_SIZE = 1 << LAST_BITS;

/**
 * The decompressed octets. Throws RingwayError `BAD_LZW`, one line without the origin, when they are more than `maxBytes` (before they
 * are written), when a code has no meaning, or when the end is missing. What comes after the end is not looked at.
 */
export function decodeLzw(compressed: Uint8Array, maxBytes: number): Uint8Array {
  const codes = new CodeReader(compressed);
  const output = new GrowingBytes(maxBytes);
  const starts = new Uint32Array(TABLE_SIZE);
  const lengths = new Uint32Array(TABLE_SIZE);
  let bits = FIRST_BITS;
  let next = END + 1;
  // The piece written last; its length is 0 when there is none since the last clear.
  let lastStart = 0;
  let lastLength = 0;
  for (let code = codes.read(bits); code !== END; code = codes.read(bits)) {
    if (code === CLEAR) {
      bits = FIRST_BITS;
      next = END + 1;
      lastLength = 0;
      continue;
    }
    // The last piece and the first octet after it are a new entry. This code may mean that entry: its last octet is then its own first.
    if (lastLength > 0 && next < TABLE_SIZE) {
      starts[next] = lastStart;
      lengths[next] = lastLength + 1;
      next += 1;
    }
    lastStart = output.length;
    if (code < CLEAR) output.push(code);
    else if (code < next) output.repeat(starts[code] as number, lengths[code] as number);
    else throw bad(`has the code ${code} where ${next - 1} is the last one known`);
    lastLength = output.length - lastStart;
    if (next === 1 << bits && bits < LAST_BITS) bits += 1;
  }
  return output.finish();
}

/** Codes of changing width, least significant bit first. */
class CodeReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #heldBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(bits: number): number {
    while (this.#heldBits < bits) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw bad('ends without its end code');
      this.#held |= byte << this.#heldBits;
      this.#heldBits += 8;
    }
    const code = this.#held & ((1 << bits) - 1);
    this.#held >>>= bits;
    this.#heldBits -= bits;
    return code;
  }
}

/** Octets whose number is not known beforehand, up to a limit. */
class GrowingBytes {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(4096);
  length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(byte: number): void {
    this.#need(1);
    this.#bytes[this.length++] = byte;
  }

  /** Writes again what stands at `start`; it may reach into what is being written. */
  repeat(start: number, length: number): void {
    this.#need(length);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i += 1) bytes[this.length + i] = bytes[start + i] as number;
    this.length += length;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #need(more: number): void {
    const length = this.length + more;
    if (length > this.#maxBytes) throw bad(`is more than ${this.#maxBytes} bytes when decoded`);
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(length, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}

function bad(what: string): RingwayError {
  return new RingwayError(`the LZW data ${what}`, { code: 'BAD_LZW' });
}
