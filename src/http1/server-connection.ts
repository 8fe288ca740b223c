import type { IncomingMessage, ServerResponse } from 'node:http';
import { lastWord } from '../core/index.ts';
import { AnswerStream } from './answer-stream.ts';
import { HEAD_TIMEOUT, parserProblem, type RequestVerdict, readRequestHead } from './request-head.ts';
import { ServerStream } from './server-stream.ts';
import type { Turn, TurnOwner } from './turn.ts';
import type { Http1Phase, Http1Problem, Http1ServerConnection, Http1ServerHandler, Http1ServerOptions } from './types.ts';
import type { Wire } from './wire.ts';

/** One connection: requests are served one after the other, as they came. */
export class ServerConnection implements Http1ServerConnection, TurnOwner {
  readonly #wire: Wire;
  readonly #scheme: 'http' | 'https';
  readonly #options: Http1ServerOptions;
  readonly #handler: Http1ServerHandler;
  readonly #queue: Turn[] = [];
  #current: Turn | undefined;
  /** Nothing that comes is served any more. */
  #isLast = false;
  #isDraining = false;
  #error: Error | undefined;
  /** Octets that had come when the last request was over. */
  #servedBytes = 0;

  constructor(wire: Wire, scheme: 'http' | 'https', options: Http1ServerOptions, handler: Http1ServerHandler) {
    this.#wire = wire;
    this.#scheme = scheme;
    this.#options = options;
    this.#handler = handler;
    wire.once('close', () => this.#onClose());
  }

  get phase(): Http1Phase {
    if (this.#current) return this.#current.isOpen ? 'exchange' : 'flush';
    return this.#wire.bytesRead > this.#servedBytes ? 'head' : 'quiet';
  }

  get activeStreams(): number {
    return this.phase === 'quiet' ? 0 : 1;
  }

  get bytesRead(): number {
    return this.#wire.bytesRead;
  }

  get bytesWritten(): number {
    return this.#wire.bytesWritten;
  }

  expire(): void {
    this.guard(() => this.#enqueue(this.#answer(HEAD_TIMEOUT)));
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#wire.closed) return;
    const closed = new Promise<void>((resolve) => this.#wire.once('close', () => resolve()));
    const timer = this.#options.clock.after(deadlineMs, () => this.#wire.destroy());
    if (this.phase === 'quiet') this.#wire.end();
    await closed;
    timer.cancel();
  }

  destroy(): void {
    this.#wire.destroy();
  }

  // What node:http tells.

  onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.guard(() => {
      if (this.#isLast || this.#wire.writableEnded) {
        request.resume();
        return;
      }
      const verdict = this.#read(request);
      if (verdict.kind === 'head') this.#wire.isInBody = !verdict.head.endStream;
      else this.#isLast = true;
      this.#enqueue(new ServerStream(this, this.#handler, { request, response, verdict }, this.#options.trailers ?? false));
    });
  }

  onConnect(request: IncomingMessage): void {
    this.guard(() => {
      const verdict = this.#read(request);
      this.#isLast = true;
      if (verdict.kind === 'problem') this.#enqueue(this.#answer(verdict.problem));
      else this.#enqueue(new AnswerStream(this, this.#wire, this.#handler, { kind: 'request', headers: verdict.head.headers }));
    });
  }

  /** What came is no HTTP/1.1, or the socket failed. */
  onError(error: NodeJS.ErrnoException & { readonly reason?: string }): void {
    const code = error.code ?? '';
    // the peer went away in the middle of something, or its socket failed
    if (!code.startsWith('HPE_') || code === 'HPE_INVALID_EOF_STATE') {
      this.#wire.destroy();
      return;
    }
    this.guard(() => {
      if (this.#isLast) return;
      this.#isLast = true;
      this.#error = error;
      const problem = parserProblem(code, error.reason ?? '');
      const broken = this.#queue.at(-1) ?? this.#current;
      if (broken instanceof ServerStream && broken.isReceiving) broken.spoil(problem);
      else this.#enqueue(this.#answer(problem));
    });
  }

  // What streams tell.

  get closesNext(): boolean {
    return this.#isDraining || (this.#isLast && this.#queue.length === 0);
  }

  onRequestEnd(): void {
    this.#wire.isInBody = false;
  }

  onServed(endsConnection: boolean): void {
    this.#current = undefined;
    this.#servedBytes = this.#wire.bytesRead;
    if (endsConnection || this.closesNext) this.#wire.end();
    else this.#next();
  }

  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#error ??= error as Error;
      this.#wire.destroy();
    }
  }

  #read(request: IncomingMessage): RequestVerdict {
    const { method = '', url = '', httpVersion, rawHeaders } = request;
    return readRequestHead({ method, target: url, version: httpVersion, rawHeaders }, this.#scheme, this.#options.maxHeaderFields ?? 100);
  }

  #answer(problem: Http1Problem): Turn {
    this.#isLast = true;
    return new AnswerStream(this, this.#wire, this.#handler, { kind: 'problem', problem });
  }

  #enqueue(turn: Turn): void {
    this.#queue.push(turn);
    if (this.#current) this.#wire.hold();
    else this.#next();
  }

  #next(): void {
    const turn = this.#queue.shift();
    if (turn) {
      this.#current = turn;
      turn.start();
    }
    // its body may be still to come
    if (this.#queue.length === 0) this.#wire.release();
  }

  #onClose(): void {
    const turn = this.#current;
    this.#current = undefined;
    this.#queue.length = 0;
    this.guard(() => turn?.fail());
    lastWord(() => this.#handler.onClose(this.#error));
  }
}
