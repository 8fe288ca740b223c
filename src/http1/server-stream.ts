import type { IncomingMessage, ServerResponse } from 'node:http';
import { statusOf } from '../http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../http2/types.ts';
import { BodyReader } from './body-reader.ts';
import { reasonOf } from './node-http.ts';
import { readTrailers } from './raw-fields.ts';
import type { RequestVerdict } from './request-head.ts';
import { rawResponse, rawTrailers } from './response-head.ts';
import type { Turn, TurnOwner } from './turn.ts';
import type { Http1Problem, Http1ServerHandler, Http1StreamHandler } from './types.ts';

/** A request and where its answer goes. */
export interface ServerExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly verdict: RequestVerdict;
}

/** CANCEL: the code a handler sees when its caller is gone. */
const GONE = { code: 8, origin: 'connection' } as const;

/** One request of a connection and its answer, as a stream. */
export class ServerStream implements Http2Stream, Turn {
  readonly id = 1;
  readonly #connection: TurnOwner;
  readonly #owner: Http1ServerHandler;
  readonly #exchange: ServerExchange;
  #verdict: RequestVerdict;
  readonly #passesTrailers: boolean;
  #handler: Http1StreamHandler | undefined;
  #body: BodyReader | undefined;
  #received: 'open' | 'ended' = 'open';
  #sent: 'idle' | 'open' | 'ended' = 'idle';
  /** The connection cannot be used behind this answer. */
  #endsConnection = false;
  #isOver = false;
  /** Octets of the answer's body were written: its head left with them. */
  #hasBody = false;
  #wantsDrain = false;

  constructor(connection: TurnOwner, owner: Http1ServerHandler, exchange: ServerExchange, passesTrailers: boolean) {
    this.#connection = connection;
    this.#owner = owner;
    this.#exchange = exchange;
    this.#verdict = exchange.verdict;
    this.#passesTrailers = passesTrailers;
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Its request is not whole yet. */
  get isReceiving(): boolean {
    return this.#received === 'open';
  }

  start(): void {
    const { request, response } = this.#exchange;
    const verdict = this.#verdict;
    response.once('finish', () => this.#connection.guard(() => this.#connection.onServed(this.#endsConnection)));
    response.on('drain', () => this.#connection.guard(() => this.#onDrain()));
    const handler = this.#owner.onStream(this);
    this.#handler = handler;
    if (verdict.kind === 'problem') {
      this.#received = 'ended';
      this.#endsConnection = true;
      request.resume();
      handler.onInvalid(verdict.problem);
      return;
    }
    const { headers, endStream, expectsContinue } = verdict.head;
    if (expectsContinue) response.writeContinue();
    this.#body = new BodyReader(request, {
      onData: (chunk) => this.#connection.guard(() => this.#onData(chunk)),
      onEnd: () => this.#connection.guard(() => this.#onEnd(endStream)),
    });
    if (endStream) this.#received = 'ended';
    handler.onHeaders(headers, endStream);
    this.#settle();
    this.#body.start();
  }

  /** The body that is coming is no body. */
  spoil(problem: Http1Problem): void {
    this.#endsConnection = true;
    if (this.#isOver) return;
    this.#received = 'ended';
    if (this.#handler) this.#handler.onInvalid(problem);
    else this.#verdict = { kind: 'problem', problem };
  }

  fail(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler?.onReset(GONE);
  }

  sendHeaders(headers: HeaderBlock, endStream: boolean): void {
    const status = statusOf(headers);
    if (this.#isOver || this.#sent !== 'idle' || status < 200) return;
    const { request, response } = this.#exchange;
    // as Envoy: an answer that comes before the request is whole is the last one
    this.#endsConnection ||= this.isReceiving || this.#connection.closesNext || this.#callerCloses;
    // node:http is to write no fields of its own
    response.sendDate = false;
    response.removeHeader('connection');
    const raw = rawResponse(headers, { endStream, isHead: request.method === 'HEAD', closes: this.#endsConnection });
    response.writeHead(status, reasonOf(status), raw);
    this.#sent = 'open';
    if (endStream) this.#end(undefined);
    // with the body if it comes at once
    else queueMicrotask(() => this.#flush());
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#isOver || this.#sent !== 'open') return true;
    this.#hasBody = true;
    // the chunk is only valid now
    if (endStream) this.#end(Buffer.from(chunk));
    else if (chunk.length > 0 && !this.#exchange.response.write(Buffer.from(chunk))) this.#wantsDrain = true;
    return !this.#wantsDrain;
  }

  sendTrailers(trailers: HeaderBlock): void {
    if (this.#isOver || this.#sent !== 'open') return;
    if (this.#passesTrailers) this.#exchange.response.addTrailers(rawTrailers(trailers));
    this.#end(undefined);
  }

  reset(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.drop();
    // an answer that is whole may still be read: what remains of the request is dropped meanwhile
    if (this.#sent !== 'ended' || code !== 0) this.#connection.destroy();
  }

  credit(bytes: number): void {
    this.#body?.credit(bytes);
  }

  get #callerCloses(): boolean {
    return this.#verdict.kind === 'head' && this.#verdict.head.closes;
  }

  #flush(): void {
    if (this.#sent === 'open' && !this.#hasBody && !this.#isOver) this.#exchange.response.flushHeaders();
  }

  #onData(chunk: Buffer): void {
    if (!this.#isOver) this.#handler?.onData(chunk, false);
  }

  #onEnd(wasEmpty: boolean): void {
    this.#connection.onRequestEnd();
    if (this.#isOver || wasEmpty || this.#received === 'ended') return;
    this.#received = 'ended';
    const trailers = this.#passesTrailers ? readTrailers(this.#exchange.request.rawTrailers) : [];
    if (trailers.length > 0) this.#handler?.onTrailers(trailers);
    else this.#handler?.onData(NOTHING, true);
    this.#settle();
  }

  #onDrain(): void {
    if (!this.#wantsDrain) return;
    this.#wantsDrain = false;
    if (!this.#isOver) this.#handler?.onDrain();
  }

  #end(chunk: Buffer | undefined): void {
    this.#sent = 'ended';
    this.#wantsDrain = false;
    if (chunk && chunk.length > 0) this.#exchange.response.end(chunk);
    else this.#exchange.response.end();
    this.#settle();
  }

  #settle(): void {
    if (this.#sent === 'ended' && this.#received === 'ended') this.#isOver = true;
  }
}

const NOTHING = Buffer.alloc(0);
