/** Small pieces are gathered into segments of this size, so that many of them cost no more memory than their octets. */
const SEGMENT = 4096;

interface Segment {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

/** Octets that wait, first in, first out. Copies what it takes. */
export class ByteQueue {
  readonly #segments: Segment[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(source: Buffer, start: number): void {
    let from = start;
    const last = this.#segments.at(-1);
    if (last !== undefined && last.end < last.bytes.length) {
      const copied = source.copy(last.bytes, last.end, from);
      last.end += copied;
      from += copied;
    }
    if (from < source.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(SEGMENT, source.length - from));
      this.#segments.push({ bytes, start: 0, end: source.copy(bytes, 0, from) });
    }
    this.#length += source.length - start;
  }

  /** The octets at the head that lie in one piece: bytes[start, end). Only while `length` > 0. */
  get head(): Readonly<Segment> {
    return this.#segments[0]!;
  }

  /** Drops `count` octets of `head`. */
  advance(count: number): void {
    const head = this.#segments[0]!;
    head.start += count;
    this.#length -= count;
    if (head.start === head.end) this.#segments.shift();
  }

  clear(): void {
    this.#segments.length = 0;
    this.#length = 0;
  }
}
