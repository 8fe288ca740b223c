import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { formatHostPort, type HostPort } from '../../core/index.ts';
import { decodeGrpcMessage, GrpcStatus, parseGrpcStatus } from '../../grpc/index.ts';
import { GrpcFailure } from './failure.ts';
import { decodeMessage, encodeMessage, type GrpcEncoding } from './message.ts';

export interface UnaryRequest {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** What the ring says the member's address is; the egress routes by it. */
  readonly authority: string;
  readonly message: Uint8Array;
  /** A list is as many fields of that name. */
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
  readonly timeoutMs: number;
}

/** How a call ended. Never an exception: a lost connection is status 14, as in every gRPC library. */
export interface UnaryReply {
  readonly status: number;
  readonly statusText: string;
  /** The decoded message; empty unless status is 0. */
  readonly message: Buffer;
  readonly tookMs: number;
}

export interface GrpcClientOptions {
  /** snappy unless given, as Tempo's queriers. */
  readonly encoding?: GrpcEncoding;
  /** Largest answer; 100 MiB unless given (Tempo's client limit). */
  readonly maxMessageBytes?: number;
}

/** Unary calls over one HTTP/2 connection to a fixed target, opened when first needed and again after it was lost. */
export class GrpcClient {
  readonly #target: HostPort;
  readonly #encoding: GrpcEncoding;
  readonly #maxBytes: number;
  #session: ClientHttp2Session | undefined;

  constructor(target: HostPort, options: GrpcClientOptions = {}) {
    this.#target = target;
    this.#encoding = options.encoding ?? 'snappy';
    this.#maxBytes = options.maxMessageBytes ?? 100 * 1024 * 1024;
  }

  unary(request: UnaryRequest): Promise<UnaryReply> {
    const started = performance.now();
    return new Promise((resolve) => {
      const finish = (status: number, statusText: string, message: Buffer = Buffer.alloc(0)): void =>
        resolve({ status, statusText, message, tookMs: performance.now() - started });
      let stream: ClientHttp2Stream;
      try {
        stream = this.#connected().request(this.#headersOf(request));
      } catch (error) {
        finish(GrpcStatus.UNAVAILABLE, (error as Error).message);
        return;
      }
      const timer = setTimeout(() => {
        finish(GrpcStatus.DEADLINE_EXCEEDED, `no answer within ${request.timeoutMs} ms`);
        stream.close(constants.NGHTTP2_CANCEL);
      }, request.timeoutMs);
      void this.#read(stream).then(([status, text, message]) => {
        clearTimeout(timer);
        finish(status, text, message);
      });
      stream.end(encodeMessage(request.message, this.#encoding));
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #connected(): ClientHttp2Session {
    const known = this.#session;
    if (known && !known.closed && !known.destroyed) return known;
    const session = connect(`http://${formatHostPort(this.#target)}`, { settings: { initialWindowSize: 1024 * 1024 } });
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    session.on('connect', () => session.setLocalWindowSize(16 * 1024 * 1024));
    session.on('error', forget);
    session.on('close', forget);
    session.on('goaway', forget);
    session.unref();
    this.#session = session;
    return session;
  }

  #headersOf(request: UnaryRequest): OutgoingHttpHeaders {
    return {
      ':method': 'POST',
      ':scheme': 'http',
      ':path': request.path,
      ':authority': request.authority,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'ringway-sample-querier',
      ...(this.#encoding === 'identity' ? {} : { 'grpc-encoding': this.#encoding }),
      'grpc-accept-encoding': 'snappy,gzip',
      'grpc-timeout': `${request.timeoutMs}m`,
      ...request.metadata,
    };
  }

  #read(stream: ClientHttp2Stream): Promise<[status: number, text: string, message: Buffer]> {
    return new Promise((resolve) => {
      const empty = Buffer.alloc(0);
      const parts: Buffer[] = [];
      let head: IncomingHttpHeaders = {};
      let tail: IncomingHttpHeaders = {};
      stream.on('response', (headers) => {
        head = headers;
      });
      stream.on('trailers', (headers) => {
        tail = headers;
      });
      stream.on('data', (chunk: Buffer) => parts.push(chunk));
      stream.on('error', (error) => resolve([GrpcStatus.UNAVAILABLE, error.message, empty]));
      stream.on('end', () => {
        const status = tail['grpc-status'] ?? head['grpc-status'];
        if (status === undefined) return; // reset: 'error' or 'close' tells
        const text = decodeGrpcMessage(String(tail['grpc-message'] ?? head['grpc-message'] ?? ''));
        resolve(status === '0' ? this.#decoded(Buffer.concat(parts), head) : [parseGrpcStatus(String(status)), text, empty]);
      });
      stream.on('close', () =>
        resolve([GrpcStatus.UNAVAILABLE, `the stream was reset (code ${stream.rstCode}, HTTP ${head[':status'] ?? 'none'})`, empty]),
      );
    });
  }

  #decoded(body: Buffer, head: IncomingHttpHeaders): [number, string, Buffer] {
    try {
      return [GrpcStatus.OK, '', decodeMessage(body, String(head['grpc-encoding'] ?? 'identity'), this.#maxBytes)];
    } catch (error) {
      return [error instanceof GrpcFailure ? error.code : GrpcStatus.INTERNAL, (error as Error).message, Buffer.alloc(0)];
    }
  }
}
