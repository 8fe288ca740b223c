const FIRST_BYTES = 4096;

/**
 * Octets that come piece by piece, gathered up to a limit. However small the pieces are, they take twice their sum at most: to keep the
 * pieces themselves takes hundreds of octets for each one that a peer sends.
 */
export class GrowingBytes {
  readonly #maxBytes: number;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies the piece behind the others. False, and nothing of it is kept, when they would be more than the limit. */
  add(piece: Uint8Array): boolean {
    const length = this.#length + piece.length;
    if (length > this.#maxBytes) return false;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(length, 2 * this.#bytes.length, FIRST_BYTES)));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
    return true;
  }

  /** A view of all that was added so far. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
