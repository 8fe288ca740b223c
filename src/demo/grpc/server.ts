import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { formatHostPort, type HostPort, RingwayError } from '../../core/index.ts';
import { decodeMessage, encodeMessage, type GrpcEncoding } from './message.ts';
import { encodeStatusMessage, GrpcFailure, STATUS } from './status.ts';

/** One unary call as a handler sees it. */
export interface UnaryCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Every value of one header, in order: node joins repeated ones, and some must not be repeated. */
  valuesOf(name: string): readonly string[];
  readonly message: Buffer;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
}

/** Returns the encoded answer, or throws GrpcFailure. */
export type UnaryHandler = (call: UnaryCall) => Promise<Uint8Array> | Uint8Array;

export interface GrpcServerOptions {
  readonly handlers: ReadonlyMap<string, UnaryHandler>;
  /** Largest message either way; 16 MiB unless given (Tempo's default). */
  readonly maxMessageBytes?: number;
}

const DEFAULT_MAX_MESSAGE = 16 * 1024 * 1024;

/**
 * A gRPC server for unary methods that behaves like grpc-go as Tempo sets it up: answers in the request's encoding (snappy included,
 * which grpc-js cannot), 100 streams a connection, trailers-only errors, 16 MiB messages.
 */
export class GrpcServer {
  readonly #handlers: ReadonlyMap<string, UnaryHandler>;
  readonly #maxBytes: number;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(options: GrpcServerOptions) {
    this.#handlers = options.handlers;
    this.#maxBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE;
    this.#server = createServer({ settings: { maxConcurrentStreams: 100, initialWindowSize: 1024 * 1024 } });
    this.#server.on('session', (session) => {
      session.setLocalWindowSize(4 * 1024 * 1024);
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
      stream.on('error', () => {}); // a reset by the caller; the abort signal tells the handler
      void this.#answer(stream, headers, raw);
    });
  }

  /** Resolves with the bound address. Throws RingwayError `EADDRINUSE` and the like, naming the address. */
  listen(address: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          new RingwayError(`cannot listen on ${formatHostPort(address)}: ${error.code}`, { code: error.code ?? 'LISTEN', cause: error }),
        );
      });
      this.#server.listen(address.port, address.host, () => {
        const bound = this.#server.address() as AddressInfo;
        resolve({ host: bound.address, port: bound.port });
      });
    });
  }

  /** Stops accepting, announces GOAWAY, and resolves when every call has ended. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const session of this.#sessions) session.close();
    });
  }

  /** Cuts every connection at once, as a crash would. */
  destroy(): void {
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): Promise<void> {
    const gone = new AbortController();
    stream.on('close', () => gone.abort());
    const encoding = headers['grpc-encoding'] ?? 'identity';
    try {
      const path = headers[':path'] ?? '';
      const handler = this.#handlers.get(path);
      if (!handler) throw new GrpcFailure(STATUS.unimplemented, `unknown method ${path}`);
      const body = await readAll(stream, this.#maxBytes);
      const message = decodeMessage(body, String(encoding), this.#maxBytes);
      const valuesOf = (name: string): string[] => raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name);
      const reply = await handler({ path, headers, valuesOf, message, signal: gone.signal });
      if (reply.length > this.#maxBytes)
        throw new GrpcFailure(
          STATUS.resourceExhausted,
          `grpc: trying to send message larger than max (${reply.length} vs. ${this.#maxBytes})`,
        );
      sendReply(stream, encodeMessage(reply, encoding as GrpcEncoding), String(encoding));
    } catch (error) {
      sendFailure(stream, error);
    }
  }
}

function sendReply(stream: ServerHttp2Stream, body: Buffer, encoding: string): void {
  if (stream.destroyed || stream.closed) return;
  const encodingHeader = encoding === 'identity' ? {} : { 'grpc-encoding': encoding };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...encodingHeader }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': '' }));
  stream.end(body);
}

/** Trailers-only, as grpc-go answers an error before the first message. */
function sendFailure(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed || stream.closed) return;
  const code = error instanceof GrpcFailure ? error.code : STATUS.internal;
  const text = error instanceof Error ? error.message : String(error);
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(code), 'grpc-message': encodeStatusMessage(text) },
    { endStream: true },
  );
  // The rest of a request nobody reads any more: end it without harm, as grpc-go does.
  if (!stream.readableEnded) stream.close(0);
}

/** The whole body. Throws GrpcFailure as soon as it is larger than a message may be. */
function readAll(stream: ServerHttp2Stream, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let total = 0;
    stream.on('data', (chunk: Buffer) => {
      total += chunk.length;
      parts.push(chunk);
      if (total <= maxBytes + 5) return;
      const declared = Buffer.concat(parts.splice(0)).readUInt32BE(1);
      stream.removeAllListeners('data').resume();
      reject(new GrpcFailure(STATUS.resourceExhausted, `grpc: received message larger than max (${declared} vs. ${maxBytes})`));
    });
    stream.on('end', () => resolve(Buffer.concat(parts)));
    stream.on('close', () => reject(new GrpcFailure(STATUS.cancelled, 'the caller is gone')));
  });
}
