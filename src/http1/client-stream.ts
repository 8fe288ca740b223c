import type { Agent, ClientRequest, IncomingMessage, InformationEvent } from 'node:http';
import { lastWord } from '../core/index.ts';
import { ErrorCode, field } from '../http2/index.ts';
import type { HeaderBlock, Http2Stream, StreamHandler, StreamReset } from '../http2/types.ts';
import { BodyReader } from './body-reader.ts';
import { nodeHttp } from './node-http.ts';
import { readTrailers } from './raw-fields.ts';
import { outgoingHead } from './request-out.ts';
import { rawTrailers, readResponseHead } from './response-head.ts';
import type { Http1Options } from './types.ts';

/** What an exchange tells its connection. */
export interface ClientStreamEvents {
  /** Both sides ended and the connection goes on. */
  onReusable(): void;
  onCloseNotify(): void;
  onProtocolError(): void;
  /** The connection is of no more use. */
  onBroken(): void;
}

const PROTOCOL_ERROR: StreamReset = { code: ErrorCode.PROTOCOL_ERROR, origin: 'local' };
const CLOSED: StreamReset = { code: ErrorCode.CANCEL, origin: 'connection' };
const NOTHING = Buffer.alloc(0);

/** One request to a server and its response, as a stream. */
export class ClientStream implements Http2Stream {
  readonly id = 1;
  readonly #agent: Agent;
  readonly #options: Http1Options;
  readonly #handler: StreamHandler;
  readonly #events: ClientStreamEvents;
  #request: ClientRequest | undefined;
  #body: BodyReader | undefined;
  #sent: 'idle' | 'open' | 'ended' = 'idle';
  #received: 'idle' | 'open' | 'ended' = 'idle';
  #isOver = false;
  #wantsDrain = false;

  constructor(agent: Agent, options: Http1Options, handler: StreamHandler, events: ClientStreamEvents) {
    this.#agent = agent;
    this.#options = options;
    this.#handler = handler;
    this.#events = events;
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  sendHeaders(headers: HeaderBlock, endStream: boolean): void {
    if (this.#isOver || this.#sent !== 'idle') return;
    const head = outgoingHead(headers, endStream);
    if (!head) {
      // not while our caller is still sending
      queueMicrotask(() => this.#guard(() => this.fail(PROTOCOL_ERROR)));
      return;
    }
    const { method, path, fields } = head;
    const request = nodeHttp().request({
      agent: this.#agent,
      method,
      path,
      setHost: false,
      insecureHTTPParser: false,
      maxHeaderSize: this.#options.maxHeaderListSize ?? 61_440,
    });
    this.#request = request;
    // heads with too many fields are refused, not cut short
    request.maxHeadersCount = 0;
    this.#listen(request);
    for (const [name, value] of fields) request.setHeader(name, value);
    // persistence is what HTTP/1.1 has anyway
    request.removeHeader('connection');
    this.#sent = 'open';
    if (endStream) this.#end(undefined);
    else request.flushHeaders();
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#isOver || this.#sent !== 'open') return true;
    // the chunk is only valid now
    if (endStream) this.#end(Buffer.from(chunk));
    else if (chunk.length > 0 && !this.#request!.write(Buffer.from(chunk))) this.#wantsDrain = true;
    return !this.#wantsDrain;
  }

  sendTrailers(trailers: HeaderBlock): void {
    if (this.#isOver || this.#sent !== 'open') return;
    const isChunked = this.#request!.hasHeader('transfer-encoding');
    if (isChunked && this.#options.trailers) this.#request!.addTrailers(rawTrailers(trailers));
    this.#end(undefined);
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onBroken();
  }

  credit(bytes: number): void {
    this.#body?.credit(bytes);
  }

  /** Over without a whole response. */
  fail(reset: StreamReset): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (reset === PROTOCOL_ERROR) this.#events.onProtocolError();
    this.#events.onBroken();
    this.#handler.onReset(reset);
  }

  #listen(request: ClientRequest): void {
    request.on('drain', () => this.#guard(() => this.#onDrain()));
    request.on('information', (info) => this.#guard(() => this.#onInformation(info)));
    request.once('response', (response) => this.#guard(() => this.#onResponse(response)));
    // nobody asked for another protocol
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      this.#guard(() => this.fail(PROTOCOL_ERROR));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      this.#guard(() => this.fail(error.code?.startsWith('HPE_') ? PROTOCOL_ERROR : CLOSED));
    });
    request.once('close', () => {
      if (this.#received === 'ended' && this.#sent === 'ended') this.#guard(() => this.#events.onReusable());
    });
  }

  #onInformation({ statusCode, rawHeaders }: InformationEvent): void {
    if (this.#isOver || !this.#handler.onInformational) return;
    const head = readResponseHead(statusCode, rawHeaders, this.#options.maxHeaderFields ?? 100);
    this.#handler.onInformational(head?.headers ?? [field(':status', String(statusCode))]);
  }

  #onResponse(response: IncomingMessage): void {
    const head = readResponseHead(response.statusCode ?? 0, response.rawHeaders, this.#options.maxHeaderFields ?? 100);
    // the end of the connection is told of by the connection
    response.on('error', () => {});
    if (this.#isOver || !head) {
      this.fail(PROTOCOL_ERROR);
      return;
    }
    if (head.closes) this.#events.onCloseNotify();
    this.#body = new BodyReader(response, {
      onData: (chunk) => this.#guard(() => this.#onData(chunk)),
      onEnd: () => this.#guard(() => this.#onEnd(response)),
    });
    this.#received = 'open';
    const isEmpty = this.#hasNoBody(response);
    // a connection is free again when node:http says so, even though the caller has all it needs
    if (isEmpty) this.#ended();
    this.#handler.onHeaders(head.headers, isEmpty);
    this.#body.start();
  }

  /** RFC 9112 §6.3, rules 1 and 7, and a length of 0. */
  #hasNoBody({ statusCode, headers }: IncomingMessage): boolean {
    if (this.#request?.method === 'HEAD' || statusCode === 204 || statusCode === 304) return true;
    return headers['content-length'] === '0' && headers['transfer-encoding'] === undefined;
  }

  #onData(chunk: Buffer): void {
    if (!this.#isOver && this.#received === 'open') this.#handler.onData(chunk, false);
  }

  #onEnd(response: IncomingMessage): void {
    if (this.#isOver || this.#received === 'ended') return;
    if (!response.complete) return;
    this.#ended();
    const trailers = this.#options.trailers ? readTrailers(response.rawTrailers) : [];
    if (trailers.length > 0) this.#handler.onTrailers(trailers);
    else this.#handler.onData(NOTHING, true);
  }

  #ended(): void {
    this.#received = 'ended';
    if (this.#sent === 'ended') this.#isOver = true;
  }

  #onDrain(): void {
    if (!this.#wantsDrain) return;
    this.#wantsDrain = false;
    if (!this.#isOver) this.#handler.onDrain();
  }

  #end(chunk: Buffer | undefined): void {
    this.#sent = 'ended';
    this.#wantsDrain = false;
    if (chunk && chunk.length > 0) this.#request!.end(chunk);
    else this.#request!.end();
    if (this.#received === 'ended') this.#isOver = true;
  }

  /** A throw while handling a peer's octets ends its connection. The handler hears of it, and of nothing else. */
  #guard(run: () => void): void {
    try {
      run();
    } catch {
      this.#events.onBroken();
      lastWord(() => this.fail(CLOSED));
    }
  }
}
