import { RingwayError } from '../core/index.ts';

const PREFIX = 5;

/** One length-prefixed message, not compressed (grpc/grpc doc/PROTOCOL-HTTP2.md). */
export function encodeMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX);
  return framed;
}

/** Called for each message that is complete; `message` is the callee's own. */
export type OnMessage = (message: Buffer, isCompressed: boolean) => void;

/** Cuts a stream of octets, however it is chunked, into messages. */
export class MessageDecoder {
  readonly #maxBytes: number;
  readonly #onMessage: OnMessage;
  readonly #prefix = Buffer.alloc(PREFIX);
  #prefixLength = 0;
  // Pieces are kept as they come: nothing is allocated for a length that was only announced.
  #pieces: Buffer[] = [];
  #missing = 0;

  /** `maxBytes`: largest message without its prefix. */
  constructor(maxBytes: number, onMessage: OnMessage) {
    this.#maxBytes = maxBytes;
    this.#onMessage = onMessage;
  }

  /** True when the octets so far end with a message. */
  get isBetweenMessages(): boolean {
    return this.#prefixLength === 0;
  }

  /** Takes what came next; copies what it keeps. Throws RingwayError MESSAGE_TOO_LARGE or BAD_MESSAGE; nothing may be added then. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#prefixLength < PREFIX ? this.#addPrefix(chunk, at) : this.#addBody(chunk, at);
    }
  }

  #addPrefix(chunk: Buffer, at: number): number {
    const count = Math.min(PREFIX - this.#prefixLength, chunk.length - at);
    chunk.copy(this.#prefix, this.#prefixLength, at, at + count);
    this.#prefixLength += count;
    if (this.#prefixLength < PREFIX) return at + count;
    const flag = this.#prefix[0]!;
    this.#missing = this.#prefix.readUInt32BE(1);
    if (flag > 1) throw new RingwayError(`grpc message has flag ${flag}, only 0 and 1 are allowed`, { code: 'BAD_MESSAGE' });
    if (this.#missing > this.#maxBytes) {
      const text = `grpc message of ${this.#missing} bytes, at most ${this.#maxBytes} are allowed`;
      throw new RingwayError(text, { code: 'MESSAGE_TOO_LARGE' });
    }
    if (this.#missing === 0) this.#finish();
    return at + count;
  }

  #addBody(chunk: Buffer, at: number): number {
    const count = Math.min(this.#missing, chunk.length - at);
    this.#pieces.push(Buffer.copyBytesFrom(chunk, at, count));
    this.#missing -= count;
    if (this.#missing === 0) this.#finish();
    return at + count;
  }

  #finish(): void {
    const message = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#prefixLength = 0;
    this.#onMessage(message, this.#prefix[0] === 1);
  }
}
