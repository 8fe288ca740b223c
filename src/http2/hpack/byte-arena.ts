/** Keeps copies of many short byte ranges in few buffers. A chunk is freed when nothing refers to it any more. */
export class ByteArena {
  readonly #chunkSize: number;
  #chunk: Buffer | undefined;
  #used = 0;

  constructor(chunkSize: number) {
    this.#chunkSize = chunkSize;
  }

  /** The buffer that the last `add` wrote to. */
  get chunk(): Buffer {
    this.#chunk ??= Buffer.allocUnsafeSlow(this.#chunkSize);
    return this.#chunk;
  }

  /** Copies source[start, end) and returns where in `chunk` it begins. */
  add(source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#chunk === undefined || this.#used + length > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(length, this.#chunkSize));
      this.#used = 0;
    }
    const chunk = this.#chunk;
    const at = this.#used;
    this.#used += length;
    // Below this length a loop is faster than the call into native code (bench/micro/hpack).
    if (length <= 32) for (let index = 0; index < length; index += 1) chunk[at + index] = source[start + index]!;
    else chunk.set(source.subarray(start, end), at);
    return at;
  }
}
