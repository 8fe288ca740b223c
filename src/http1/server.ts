import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { nodeHttp } from './node-http.ts';
import { ServerConnection } from './server-connection.ts';
import type { Http1ServerConnection, Http1ServerHandler, Http1ServerOptions } from './types.ts';
import { Wire } from './wire.ts';

export interface AcceptOptions {
  /** Octets that were read already, to find out what the connection speaks. */
  readonly initialBytes?: Buffer;
  /** Of the requests: what the connection is carried by. */
  readonly scheme: 'http' | 'https';
}

/** node:http's server for connections that others accepted. It sets no timer: whoever accepts watches time. */
export class Http1Server {
  readonly #options: Http1ServerOptions;
  readonly #server: Server;
  readonly #connections = new WeakMap<Duplex, ServerConnection>();

  constructor(options: Http1ServerOptions) {
    this.#options = options;
    this.#server = nodeHttp().createServer({
      insecureHTTPParser: false,
      // answered, counted and logged as other refusals are
      requireHostHeader: false,
      maxHeaderSize: options.maxHeaderListSize ?? 61_440,
      keepAliveTimeout: 0,
      highWaterMark: Math.min(65_536, options.streamBufferLimit ?? 65_536),
    });
    // a field beyond the limit must not be dropped in silence: heads with too many are refused
    this.#server.maxHeadersCount = 0;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#of(request.socket)?.onRequest(request, response);
    this.#server.on('request', onRequest);
    this.#server.on('checkContinue', onRequest);
    this.#server.on('checkExpectation', onRequest);
    this.#server.on('connect', (request: IncomingMessage) => this.#of(request.socket)?.onConnect(request));
    this.#server.on('clientError', (error: NodeJS.ErrnoException & { readonly reason?: string }, socket: Duplex) => {
      this.#of(socket)?.onError(error);
    });
  }

  /** Takes over a connection. `onClose` is called once, not before this returned. */
  accept(socket: Duplex, { initialBytes, scheme }: AcceptOptions, handler: Http1ServerHandler): Http1ServerConnection {
    const wire = new Wire(socket, this.#options);
    const connection = new ServerConnection(wire, scheme, this.#options, handler);
    this.#connections.set(wire, connection);
    this.#server.emit('connection', wire);
    // what was read may be a whole request, whose answer may be to close
    queueMicrotask(() => wire.begin(initialBytes));
    return connection;
  }

  #of(socket: Duplex): ServerConnection | undefined {
    return this.#connections.get(socket);
  }
}
