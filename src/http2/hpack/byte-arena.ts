import { copyOctets } from '../../core/index.ts';

/** A connection that carries one request needs little: the first chunk is small, each later one four times the one before. */
const FIRST_CHUNK = 256;

/** Keeps copies of many short byte ranges in few buffers. A chunk is freed when nothing refers to it any more. */
export class ByteArena {
  readonly #maxChunkSize: number;
  #chunkSize: number;
  #chunk: Buffer | undefined;
  #used = 0;

  constructor(maxChunkSize: number) {
    this.#maxChunkSize = maxChunkSize;
    this.#chunkSize = Math.min(FIRST_CHUNK, maxChunkSize);
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
      if (this.#chunk !== undefined) this.#chunkSize = Math.min(this.#chunkSize * 4, this.#maxChunkSize);
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(length, this.#chunkSize));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used = copyOctets(source, start, length, this.#chunk, at);
    return at;
  }
}
