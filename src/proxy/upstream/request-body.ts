import type { HeaderBlock, Http2Stream } from '../../http2/types.ts';

/**
 * The part of a request's body that is kept: what came before there was a stream to send it on, and, while another try is possible,
 * all that was sent. Once something is thrown away the request cannot be sent again.
 */
export class RequestBody {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #trailers: HeaderBlock | null = null;
  #isComplete: boolean;
  #isWhole = true;

  constructor(limit: number, isComplete: boolean) {
    this.#limit = limit;
    this.#isComplete = isComplete;
  }

  /** Body and trailers have come to their end. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Everything since the beginning is here. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get isOverLimit(): boolean {
    return this.#size > this.#limit;
  }

  /** Copies `chunk`: it is only valid during its event. */
  keep(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.from(chunk));
    this.#size += chunk.length;
  }

  end(trailers: HeaderBlock | null): void {
    this.#isComplete = true;
    this.#trailers = trailers;
  }

  /** Lets go of what is kept. */
  discard(): void {
    this.#chunks = [];
    this.#size = 0;
    this.#isWhole = false;
  }

  /** True when nothing follows the headers. */
  get isEmpty(): boolean {
    return this.#isComplete && this.#size === 0 && this.#trailers === null;
  }

  /** Sends all that is kept after headers that did not end the stream. False: the stream wants no more before its `onDrain`. */
  sendTo(stream: Http2Stream): boolean {
    let takesMore = true;
    this.#chunks.forEach((chunk, i) => {
      const isLast = this.#isComplete && this.#trailers === null && i === this.#chunks.length - 1;
      takesMore = stream.sendData(chunk, isLast);
    });
    if (this.#trailers) stream.sendTrailers(this.#trailers);
    return takesMore;
  }
}
