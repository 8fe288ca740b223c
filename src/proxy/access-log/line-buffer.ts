import { copyOctets } from '../../core/index.ts';
import { plainOctets, type ValueBytes } from '../../http2/index.ts';
import type { Field } from '../../http2/types.ts';

const FIRST_SIZE = 4096;
const MAX_SPARE = 1_048_576;
const NOTHING: Buffer = Buffer.alloc(0);
/** Shorter texts are faster by a loop than by a call into native code. */
const SHORT = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;

/**
 * Octets of lines, gathered until they are written. Lines are put together in here, piece by piece: as strings that are joined later they
 * cost half as much again. Texts are latin-1, as header values are.
 */
export class LineBuffer {
  #bytes: Buffer = NOTHING;
  #length = 0;
  /** What is being written, and what was written before: two buffers take turns. */
  #taken: Buffer = NOTHING;
  #spare: Buffer = NOTHING;

  get length(): number {
    return this.#length;
  }

  octets(piece: Buffer): void {
    this.#copy(piece, 0, piece.length);
  }

  text(text: string): void {
    const { length } = text;
    this.#reserve(length);
    const bytes = this.#bytes;
    const at = this.#length;
    if (length > SHORT) bytes.write(text, at, length, 'latin1');
    else for (let index = 0; index < length; index += 1) bytes[at + index] = text.charCodeAt(index);
    this.#length = at + length;
  }

  /** A header's value. */
  value(field: Field): void {
    const wire = plainOctets(field);
    if (wire === undefined) this.text(field.value);
    else this.#copy(wire.bytes, wire.start, wire.length);
  }

  /** A JSON string. */
  quoted(text: string): void {
    const { length } = text;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at] = QUOTE;
    at += 1;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code === QUOTE || code === BACKSLASH) {
        this.text(JSON.stringify(text));
        return;
      }
      bytes[at] = code;
      at += 1;
    }
    bytes[at] = QUOTE;
    this.#length = at + 1;
  }

  /** A header's value as a JSON string. */
  quotedValue(field: Field): void {
    const wire = plainOctets(field);
    if (wire === undefined || !needsNoEscape(wire)) {
      this.quoted(field.value);
      return;
    }
    this.#reserve(wire.length + 2);
    this.#bytes[this.#length] = QUOTE;
    this.#length += 1;
    this.#copy(wire.bytes, wire.start, wire.length);
    this.#bytes[this.#length] = QUOTE;
    this.#length += 1;
  }

  number(value: number): void {
    if (!(value >= 0 && value < 1e9) || !Number.isInteger(value)) {
      this.text(String(value));
      return;
    }
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits += 1;
    this.#reserve(digits);
    const bytes = this.#bytes;
    let at = this.#length + digits;
    this.#length = at;
    for (let rest = value; digits > 0; digits -= 1) {
      const next = Math.trunc(rest / 10);
      at -= 1;
      bytes[at] = ZERO + rest - next * 10;
      rest = next;
    }
  }

  /** What was gathered; it is the caller's until `release`, and the buffer begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#taken = this.#bytes;
    this.#bytes = this.#spare;
    this.#spare = NOTHING;
    this.#length = 0;
    return taken;
  }

  /** Nobody reads what was taken last any more: its memory is used again, which spares the kernel a page fault for every 4 KiB of lines. */
  release(): void {
    if (this.#taken.length <= MAX_SPARE) this.#spare = this.#taken;
    this.#taken = NOTHING;
  }

  #copy(source: Buffer, start: number, length: number): void {
    this.#reserve(length);
    this.#length = copyOctets(source, start, length, this.#bytes, this.#length);
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_SIZE, this.#bytes.length * 2, needed));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Of a header's value, which has no control characters but tabs. */
function needsNoEscape({ bytes, start, length }: ValueBytes): boolean {
  for (let index = start; index < start + length; index += 1) {
    const octet = bytes[index]!;
    if (octet < 0x20 || octet === QUOTE || octet === BACKSLASH) return false;
  }
  return true;
}
