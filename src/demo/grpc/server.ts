import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, HostPort } from '../../core/index.ts';
import { encodeGrpcMessage, GrpcStatus } from '../../grpc/index.ts';
import { createServerConnection, ErrorCode, field, findField } from '../../http2/index.ts';
import type { HeaderBlock, Http2Connection, Http2Stream, StreamHandler } from '../../http2/types.ts';
import { bind } from '../bind.ts';
import { GrpcFailure } from './failure.ts';
import { decodeMessage, encodeMessage, type GrpcEncoding } from './message.ts';

/** One unary call as a handler sees it. */
export interface UnaryCall {
  readonly path: string;
  /** The first value of a header, or undefined. */
  header(name: string): string | undefined;
  /** Every value of a header, in order: some must not be repeated. */
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
const MAX_STREAMS = 100;
const DRAIN_MS = 5_000;

/**
 * A gRPC server for unary methods that behaves like grpc-go as Tempo sets it up: answers in the request's encoding (snappy included,
 * which grpc-js cannot), a whole answer in one write (node:http2 sends trailers later), 100 streams a connection, trailers-only errors,
 * 16 MiB messages.
 */
export class GrpcServer {
  readonly #handlers: ReadonlyMap<string, UnaryHandler>;
  readonly #maxBytes: number;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Http2Connection>();

  constructor(options: GrpcServerOptions, clock: Clock) {
    this.#handlers = options.handlers;
    this.#maxBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE;
    this.#server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      const connection = createServerConnection(
        socket,
        { clock, maxConcurrentStreams: MAX_STREAMS },
        { onStream: (stream) => this.#serve(stream), onClose: () => this.#connections.delete(socket) },
      );
      this.#connections.set(socket, connection);
    });
  }

  /** Resolves with the bound address. Throws RingwayError `EADDRINUSE` and the like, naming the address. */
  listen(address: HostPort): Promise<HostPort> {
    return bind(this.#server, address);
  }

  /** Stops accepting, announces GOAWAY, and resolves when every call has ended. */
  async drain(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#connections.values()].map((connection) => connection.drain(DRAIN_MS)));
    await closed;
  }

  /** Cuts every connection at once, as a crash would. */
  destroy(): void {
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  /** Collects one request; an unknown method and a message that is too large are answered without waiting for its end. */
  #serve(stream: Http2Stream): StreamHandler {
    const gone = new AbortController();
    const parts: Buffer[] = [];
    let headers: HeaderBlock = [];
    let total = 0;
    const answer = (): void => void this.#answer(stream, headers, Buffer.concat(parts), gone.signal);
    return {
      onHeaders: (block, endStream) => {
        headers = block;
        const path = findField(block, ':path')?.value ?? '';
        if (!this.#handlers.has(path)) sendFailure(stream, new GrpcFailure(GrpcStatus.UNIMPLEMENTED, `unknown method ${path}`));
        else if (endStream) answer();
      },
      onData: (chunk, endStream) => {
        stream.credit(chunk.length);
        total += chunk.length;
        parts.push(Buffer.from(chunk));
        if (total > this.#maxBytes + 5) sendFailure(stream, tooLarge('received', Buffer.concat(parts).readUInt32BE(1), this.#maxBytes));
        else if (endStream) answer();
      },
      onTrailers: answer,
      onReset: () => gone.abort(),
      onDrain: () => {},
    };
  }

  async #answer(stream: Http2Stream, headers: HeaderBlock, body: Buffer, signal: AbortSignal): Promise<void> {
    const valuesOf = (name: string): string[] => headers.filter((one) => one.name === name).map((one) => one.value);
    const header = (name: string): string | undefined => findField(headers, name)?.value;
    const encoding = header('grpc-encoding') ?? 'identity';
    const path = header(':path') ?? '';
    try {
      const handler = this.#handlers.get(path) as UnaryHandler;
      const message = decodeMessage(body, encoding, this.#maxBytes);
      const reply = await handler({ path, header, valuesOf, message, signal });
      if (reply.length > this.#maxBytes) throw tooLarge('trying to send', reply.length, this.#maxBytes);
      sendReply(stream, encodeMessage(reply, encoding as GrpcEncoding), encoding);
    } catch (error) {
      sendFailure(stream, error);
    }
  }
}

function tooLarge(what: string, bytes: number, maxBytes: number): GrpcFailure {
  return new GrpcFailure(GrpcStatus.RESOURCE_EXHAUSTED, `grpc: ${what} message larger than max (${bytes} vs. ${maxBytes})`);
}

const STATUS_200 = field(':status', '200');
const CONTENT_TYPE = field('content-type', 'application/grpc');
const TRAILERS_OK: HeaderBlock = [field('grpc-status', '0'), field('grpc-message', '')];

function sendReply(stream: Http2Stream, body: Buffer, encoding: string): void {
  stream.sendHeaders([STATUS_200, CONTENT_TYPE, ...(encoding === 'identity' ? [] : [field('grpc-encoding', encoding)])], false);
  stream.sendData(body, false);
  stream.sendTrailers(TRAILERS_OK);
}

/** Trailers-only, as grpc-go answers an error before the first message; what is left of the request is refused without harm. */
function sendFailure(stream: Http2Stream, error: unknown): void {
  const code = error instanceof GrpcFailure ? error.code : GrpcStatus.INTERNAL;
  const text = error instanceof Error ? error.message : String(error);
  stream.sendHeaders([STATUS_200, CONTENT_TYPE, field('grpc-status', String(code)), field('grpc-message', encodeGrpcMessage(text))], true);
  if (stream.isOpen) stream.reset(ErrorCode.NO_ERROR);
}
