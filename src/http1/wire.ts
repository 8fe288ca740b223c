import { Duplex } from 'node:stream';
import { endSocket, leaveBehind } from '../transport/index.ts';
import type { Http1ServerOptions } from './types.ts';

const CLOSE_GRACE_MS = 1000;
/** Octets given to the parser at a time while heads may begin in them: so many requests at most are read before the first is served. */
const HEAD_SLICE = 4096;

type WireOptions = Pick<Http1ServerOptions, 'clock' | 'closeGraceMs'>;
type Written = readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[];

/**
 * What stands between an accepted socket and node:http: can stop giving octets while a request is served, counts them, and closes so that
 * the peer can read the last answer even when it was still sending.
 */
export class Wire extends Duplex {
  bytesRead = 0;
  bytesWritten = 0;
  /** What comes belongs to the body of a request. */
  isInBody = false;
  readonly #socket: Duplex;
  readonly #options: WireOptions;
  #waiting: Buffer[] = [];
  #isHeld = false;
  #isEnded = false;

  constructor(socket: Duplex, options: WireOptions) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#options = options;
    // without it node:http would end the process with an error nobody listens to
    this.on('error', () => {});
    // a chunk that waits in it must not pass before `begin` listens
    socket.pause();
    socket.on('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /** Begins with octets that were read before. */
  begin(initialBytes: Buffer | undefined): void {
    if (initialBytes) this.#take(initialBytes);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      leaveBehind(chunk);
    });
    this.#socket.once('end', () => this.#takeEnd());
    this.#socket.resume();
  }

  /** Gives no more octets to the parser until `release`. */
  hold(): void {
    this.#isHeld = true;
    this.#socket.pause();
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#feed();
    if (!this.#isHeld) this.#socket.resume();
  }

  override _read(): void {
    if (this.#isHeld) return;
    this.#feed();
    if (!this.#isHeld) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.bytesWritten += chunk.length;
    this.#passOn(this.#socket.write(chunk), done);
  }

  override _writev(chunks: Written, done: (error?: Error | null) => void): void {
    this.#socket.cork();
    let takesMore = true;
    for (const { chunk } of chunks) {
      this.bytesWritten += chunk.length;
      takesMore = this.#socket.write(chunk);
    }
    this.#socket.uncork();
    this.#passOn(takesMore, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#waiting = [];
    this.#isHeld = false;
    const { clock, closeGraceMs = CLOSE_GRACE_MS } = this.#options;
    endSocket(this.#socket, clock, closeGraceMs);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#waiting = [];
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    if (this.writableEnded) return;
    this.bytesRead += chunk.length;
    this.#waiting.push(chunk);
    if (!this.#isHeld) this.#feed();
  }

  #takeEnd(): void {
    this.#isEnded = true;
    if (!this.#isHeld) this.#feed();
  }

  /** Each piece may make the server hold the rest. */
  #feed(): void {
    while (!this.#isHeld && this.#waiting.length > 0) {
      const chunk = this.#waiting.shift() as Buffer;
      const isWhole = this.isInBody || chunk.length <= HEAD_SLICE;
      if (!isWhole) this.#waiting.unshift(chunk.subarray(HEAD_SLICE));
      if (!this.push(isWhole ? chunk : chunk.subarray(0, HEAD_SLICE))) {
        this.#socket.pause();
        return;
      }
    }
    if (this.#isEnded && !this.#isHeld && this.#waiting.length === 0) this.push(null);
  }

  #passOn(takesMore: boolean, done: () => void): void {
    if (takesMore) done();
    else this.#socket.once('drain', done);
  }
}
