import type { BufferBudget } from '../../http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../../http2/types.ts';
import { type KeptChunk, keepChunk, releaseChunk } from './kept-chunks.ts';

/** Somebody a body is sent to, and how far that is. */
export interface BodyReader {
  /** undefined: none yet, or it is over. */
  readonly stream: Http2Stream | undefined;
  /** Chunks it was given, counted from the body's beginning. */
  position: number;
  /** It was given the end too. */
  requestEnded: boolean;
  /** Its stream wants no more before `onDrain`. */
  isBlocked: boolean;
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * The part of a request's body that is kept: what somebody has still to be sent, and, while another try is possible, all of it. It is
 * copied once, when it comes; every try reads the same chunks. Once something is let go the request cannot be sent again.
 */
export class RequestBody {
  readonly limit: number;
  readonly #budget: BufferBudget | undefined;
  #chunks: KeptChunk[] = [];
  /** Chunks that came before the first that is kept. */
  #base = 0;
  #size = 0;
  #trailers: HeaderBlock | null = null;
  #isComplete: boolean;

  /** What is kept is taken from `budget`. */
  constructor(limit: number, isComplete: boolean, budget?: BufferBudget) {
    this.#budget = budget;
    this.limit = limit;
    this.#isComplete = isComplete;
  }

  /** Body and trailers have come to their end. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Everything since the beginning is here. */
  get isWhole(): boolean {
    return this.#base === 0;
  }

  /** Too much to keep for another try: its own, or of all that the process holds. */
  get isOverLimit(): boolean {
    return this.#size > this.limit || (this.#size > 0 && this.#budget?.isCrowded === true);
  }

  /** Chunks that have come. */
  get length(): number {
    return this.#base + this.#chunks.length;
  }

  /** True when nothing follows the headers. */
  get isEmpty(): boolean {
    return this.#isComplete && this.length === 0 && this.#trailers === null;
  }

  /** Copies `chunk`: it is only valid during its event. */
  keep(chunk: Buffer): void {
    if (chunk.length === 0) return;
    // mostly the only one, and an array that grows makes room for sixteen more
    if (this.#chunks.length === 0) this.#chunks = [keepChunk(chunk)];
    else this.#chunks.push(keepChunk(chunk));
    this.#size += chunk.length;
    this.#budget?.take(chunk.length);
  }

  /** A chunk went to everybody at once and is not kept. */
  passed(): void {
    this.#base += 1;
  }

  end(trailers: HeaderBlock | null): void {
    this.#isComplete = true;
    this.#trailers = trailers;
  }

  /** Lets go of the chunks before `position`. */
  release(position: number): void {
    const count = Math.min(position - this.#base, this.#chunks.length);
    if (count <= 0) return;
    let freed = 0;
    for (let index = 0; index < count; index += 1) {
      const chunk = this.#chunks[index]!;
      freed += chunk.octets.length;
      releaseChunk(chunk);
    }
    this.#chunks = count === this.#chunks.length ? [] : this.#chunks.slice(count);
    this.#size -= freed;
    this.#budget?.give(freed);
    this.#base += count;
  }

  /** Gives `reader` what it has not had, as far as its stream takes it, and the end behind the last of it. */
  sendTo(reader: BodyReader): void {
    const { stream } = reader;
    if (!stream || reader.requestEnded) return;
    while (reader.position < this.length) {
      if (reader.isBlocked) return;
      const { octets } = this.#chunks[reader.position - this.#base]!;
      reader.position += 1;
      reader.requestEnded = this.#isComplete && this.#trailers === null && reader.position === this.length;
      reader.isBlocked = !stream.sendData(octets, reader.requestEnded);
    }
    if (!this.#isComplete || reader.requestEnded) return;
    reader.requestEnded = true;
    if (this.#trailers) stream.sendTrailers(this.#trailers);
    else stream.sendData(NOTHING, true);
  }
}
