const FIRST_SIZE = 4096;
const MAX_SPARE = 1_048_576;
const NOTHING: Buffer = Buffer.alloc(0);
/** Shorter texts are faster by a loop than by a call into native code. */
const SHORT = 48;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

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
    this.#reserve(piece.length);
    const { length } = piece;
    if (length > SHORT) piece.copy(this.#bytes, this.#length);
    else for (let index = 0; index < length; index += 1) this.#bytes[this.#length + index] = piece[index]!;
    this.#length += length;
  }

  text(text: string): void {
    const { length } = text;
    this.#reserve(length);
    if (length > SHORT) this.#bytes.write(text, this.#length, length, 'latin1');
    else for (let index = 0; index < length; index += 1) this.#bytes[this.#length + index] = text.charCodeAt(index);
    this.#length += length;
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

  number(value: number): void {
    this.text(String(value));
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

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_SIZE, this.#bytes.length * 2, needed));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
