/** One frame; `payload` is a view that lasts. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

const HEADER_SIZE = 9;

/** Cuts octets into frames in the plainest way, to check the engine's own reader against. Lengths are believed up to `maxLength`. */
export class FrameSplitter {
  readonly #onFrame: (frame: Frame) => void;
  readonly #maxLength: number;
  #pieces: Buffer[] = [];
  #size = 0;
  /** So many octets are needed before there is anything to do. */
  #needed = HEADER_SIZE;
  #skip: number;
  #isBroken = false;

  /** `skip`: octets before the first frame. */
  constructor(skip: number, maxLength: number, onFrame: (frame: Frame) => void) {
    this.#skip = skip;
    this.#maxLength = maxLength;
    this.#onFrame = onFrame;
  }

  /** Takes `chunk`, which must not change any more. False once a frame was too long: nothing after it is looked at. */
  push(chunk: Buffer): boolean {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    if (this.#isBroken) return false;
    this.#pieces.push(skipped === 0 ? chunk : chunk.subarray(skipped));
    this.#size += chunk.length - skipped;
    if (this.#size >= this.#needed) this.#cut();
    return !this.#isBroken;
  }

  #cut(): void {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    let at = 0;
    this.#needed = HEADER_SIZE;
    while (bytes.length - at >= HEADER_SIZE) {
      const length = bytes.readUIntBE(at, 3);
      this.#isBroken = length > this.#maxLength;
      if (this.#isBroken) return;
      this.#needed = HEADER_SIZE + length;
      if (bytes.length - at < this.#needed) break;
      const payload = bytes.subarray(at + HEADER_SIZE, at + this.#needed);
      at += this.#needed;
      this.#needed = HEADER_SIZE;
      this.#onFrame(frameAt(bytes, at - payload.length - HEADER_SIZE, payload));
    }
    this.#pieces = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#size = bytes.length - at;
  }
}

function frameAt(bytes: Buffer, at: number, payload: Buffer): Frame {
  return { type: bytes[at + 3]!, flags: bytes[at + 4]!, streamId: bytes.readUInt32BE(at + 5) & 0x7fff_ffff, payload };
}
