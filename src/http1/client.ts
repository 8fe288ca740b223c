import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { lastWord } from '../core/index.ts';
import type { Http2Stream, StreamHandler } from '../http2/types.ts';
import { ClientStream } from './client-stream.ts';
import { nodeHttp } from './node-http.ts';
import type { Http1ClientConnection, Http1ClientHandler, Http1Options } from './types.ts';

/** Speaks HTTP/1.1 over a connected socket. */
export function createHttp1Client(socket: Duplex, options: Http1Options, handler: Http1ClientHandler): Http1ClientConnection {
  return new ClientConnection(socket, options, handler);
}

/** node:http's own way to reuse one connection: an agent that has no other. */
function agentOf(socket: Duplex): Agent {
  const { Agent: HttpAgent } = nodeHttp();
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  agent.createConnection = () => socket;
  return agent;
}

class ClientConnection implements Http1ClientConnection {
  readonly #socket: Duplex;
  readonly #options: Http1Options;
  readonly #handler: Http1ClientHandler;
  readonly #agent: Agent;
  #stream: ClientStream | undefined;
  #isClosed = false;

  constructor(socket: Duplex, options: Http1Options, handler: Http1ClientHandler) {
    this.#socket = socket;
    this.#options = options;
    this.#handler = handler;
    this.#agent = agentOf(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#onClose());
    this.#watchIdle();
  }

  get acceptsStreams(): boolean {
    return !this.#isClosed && !this.#stream && this.#socket.writable && !this.#socket.readableEnded;
  }

  get bytesRead(): number {
    return countOf(this.#socket, 'bytesRead');
  }

  get bytesWritten(): number {
    return countOf(this.#socket, 'bytesWritten');
  }

  openStream(handler: StreamHandler): Http2Stream | undefined {
    if (!this.acceptsStreams) return undefined;
    this.#socket.off('data', this.#onUnasked);
    this.#socket.off('end', this.#onUnasked);
    const stream = new ClientStream(this.#agent, this.#options, handler, {
      onReusable: () => this.#onReusable(stream),
      onCloseNotify: () => this.#handler.onCloseNotify(),
      onProtocolError: () => this.#handler.onProtocolError(),
      onBroken: () => this.destroy(),
    });
    this.#stream = stream;
    return stream;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onReusable(stream: ClientStream): void {
    if (this.#isClosed || this.#stream !== stream) return;
    this.#stream = undefined;
    this.#watchIdle();
    if (this.acceptsStreams) this.#handler.onAvailable();
  }

  /** What comes while nothing was asked must not become the answer to what is asked next. */
  #watchIdle(): void {
    this.#socket.on('data', this.#onUnasked);
    this.#socket.on('end', this.#onUnasked);
  }

  readonly #onUnasked = (): void => this.destroy();

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const stream = this.#stream;
    this.#stream = undefined;
    // an error of the parser is told to the request in this very turn, and says more than the end of the connection
    process.nextTick(() => {
      lastWord(() => stream?.fail({ code: 8, origin: 'connection' }));
      lastWord(() => this.#handler.onClose());
    });
  }
}

function countOf(socket: Duplex, what: 'bytesRead' | 'bytesWritten'): number {
  const count: unknown = Reflect.get(socket, what);
  return typeof count === 'number' ? count : 0;
}
