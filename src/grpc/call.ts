import { type Clock, codeOf, messageOf, type Timer } from '../core/index.ts';
import { ErrorCode, errorCodeName, field, findField } from '../http2/index.ts';
import type { Field, HeaderBlock, Http2Stream, StreamHandler, StreamReset } from '../http2/types.ts';
import { decodeGrpcMessage } from './grpc-message.ts';
import { formatGrpcTimeout } from './grpc-timeout.ts';
import { encodeMessage, MessageDecoder } from './message.ts';
import { grpcStatusOfReset } from './reset-status.ts';
import { GrpcStatus, grpcStatusOfHttp, parseGrpcStatus } from './status.ts';

/** Opens a stream on some connection; undefined: there is none now. An Http2Connection's `openStream`, or a pool's. */
export type OpenStream = (handler: StreamHandler) => Http2Stream | undefined;

export interface CallOptions {
  /** Full path, e.g. /grpc.health.v1.Health/Check. */
  readonly method: string;
  readonly authority: string;
  readonly clock: Clock;
  /** `http` unless given. */
  readonly scheme?: 'http' | 'https';
  /** Further fields of the request. */
  readonly metadata?: HeaderBlock;
  /** Sent as grpc-timeout and kept here too; none unless given. */
  readonly timeoutMs?: number;
  /** Largest message received; 4 MiB unless given. */
  readonly maxMessageBytes?: number;
}

/** How a call ended. */
export interface CallStatus {
  readonly code: number;
  readonly message: string;
  /** Trailers, or the fields of an answer that has no others; [] when the peer sent none. */
  readonly trailers: HeaderBlock;
}

export interface CallHandler {
  /** `message` is the callee's own. */
  onMessage(message: Buffer): void;
  /** Called once; nothing follows. Not called after `cancel`. */
  onEnd(status: CallStatus): void;
  onHeaders?(headers: HeaderBlock): void;
  /** After `send` returned false: it may go on. */
  onDrain?(): void;
}

export interface GrpcCall {
  /** False: too much waits, send no more before `onDrain`. Ignored when the call is over. */
  send(message: Uint8Array): boolean;
  /** No more messages of ours. */
  end(): void;
  /** RST_STREAM(CANCEL); nothing is called after it. */
  cancel(): void;
}

const POST = field(':method', 'POST');
const SCHEMES: Readonly<Record<'http' | 'https', Field>> = { http: field(':scheme', 'http'), https: field(':scheme', 'https') };
const CONTENT_TYPE = field('content-type', 'application/grpc');
const TRAILERS = field('te', 'trailers');
const USER_AGENT = field('user-agent', 'ringway');
const DEFAULT_MAX_MESSAGE_BYTES = 4_194_304;
/** What MessageDecoder throws; anything else is a handler's own. */
const FRAMING_FAULTS: ReadonlyMap<string, number> = new Map([
  ['MESSAGE_TOO_LARGE', GrpcStatus.RESOURCE_EXHAUSTED],
  ['BAD_MESSAGE', GrpcStatus.INTERNAL],
]);

/**
 * Starts a gRPC call of any kind and sends its headers. Undefined: no stream could be opened, nothing was called. Throws RingwayError
 * BAD_HEADER for metadata that is none.
 */
export function startCall(open: OpenStream, options: CallOptions, handler: CallHandler): GrpcCall | undefined {
  const call = new ClientCall(options, handler);
  const headers = requestHeaders(options);
  const stream = open(call);
  if (stream === undefined) return undefined;
  call.start(stream, headers);
  return call;
}

function requestHeaders({ method, authority, scheme, metadata, timeoutMs }: CallOptions): HeaderBlock {
  return [
    POST,
    SCHEMES[scheme ?? 'http'],
    field(':path', method),
    field(':authority', authority),
    CONTENT_TYPE,
    TRAILERS,
    USER_AGENT,
    ...(timeoutMs === undefined ? [] : [field('grpc-timeout', formatGrpcTimeout(timeoutMs))]),
    ...(metadata ?? []),
  ];
}

class ClientCall implements GrpcCall, StreamHandler {
  readonly #options: CallOptions;
  readonly #handler: CallHandler;
  readonly #decoder: MessageDecoder;
  #stream: Http2Stream | undefined;
  #deadline: Timer | undefined;
  #isOver = false;

  constructor(options: CallOptions, handler: CallHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#decoder = new MessageDecoder(options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES, (message, isCompressed) => {
      if (this.#isOver) return;
      // We announce no grpc-accept-encoding, so nothing may be compressed.
      if (isCompressed) this.#give(GrpcStatus.INTERNAL, 'compressed message');
      else handler.onMessage(message);
    });
  }

  start(stream: Http2Stream, headers: HeaderBlock): void {
    this.#stream = stream;
    const { timeoutMs, clock } = this.#options;
    if (timeoutMs !== undefined)
      this.#deadline = clock.after(timeoutMs, () => this.#give(GrpcStatus.DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`));
    stream.sendHeaders(headers, false);
  }

  send(message: Uint8Array): boolean {
    return this.#isOver || (this.#stream?.sendData(encodeMessage(message), false) ?? true);
  }

  end(): void {
    if (!this.#isOver) this.#stream?.sendData(Buffer.alloc(0), true);
  }

  cancel(): void {
    this.#stop();
  }

  onHeaders(headers: HeaderBlock, endStream: boolean): void {
    if (this.#isOver) return;
    const status = Number(findField(headers, ':status')?.value);
    const isGrpc = findField(headers, 'content-type')?.value.startsWith('application/grpc') ?? false;
    if (endStream) this.#finish(headers, status);
    else if (status !== 200 || !isGrpc) this.#give(grpcStatusOfHttp(status), `http status ${status}, not a grpc answer`);
    else this.#handler.onHeaders?.(headers);
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#isOver) return;
    this.#stream?.credit(chunk.length);
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      const code = FRAMING_FAULTS.get(codeOf(error) ?? '');
      if (code === undefined) throw error;
      this.#give(code, messageOf(error));
    }
    if (endStream) this.#give(GrpcStatus.UNKNOWN, 'answer without grpc-status');
  }

  onTrailers(trailers: HeaderBlock): void {
    if (!this.#decoder.isBetweenMessages) this.#give(GrpcStatus.INTERNAL, 'answer ends inside a message');
    else this.#finish(trailers, 200);
  }

  onReset(reset: StreamReset): void {
    const why = reset.origin === 'connection' ? 'connection lost' : `stream reset: ${errorCodeName(reset.code)}`;
    this.#end({ code: grpcStatusOfReset(reset), message: why, trailers: [] });
  }

  onDrain(): void {
    if (!this.#isOver) this.#handler.onDrain?.();
  }

  #finish(block: HeaderBlock, httpStatus: number): void {
    const status = findField(block, 'grpc-status')?.value;
    if (status === undefined) {
      const code = httpStatus === 200 ? GrpcStatus.UNKNOWN : grpcStatusOfHttp(httpStatus);
      this.#end({ code, message: `http status ${httpStatus} without grpc-status`, trailers: block });
      return;
    }
    const message = decodeGrpcMessage(findField(block, 'grpc-message')?.value ?? '');
    this.#end({ code: parseGrpcStatus(status), message, trailers: block });
  }

  /** Ends the call by our own verdict. */
  #give(code: number, message: string): void {
    if (!this.#isOver) this.#end({ code, message, trailers: [] });
  }

  #end(status: CallStatus): void {
    if (this.#isOver) return;
    this.#stop();
    this.#handler.onEnd(status);
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline?.cancel();
    // No effect when both sides have ended.
    this.#stream?.reset(ErrorCode.CANCEL);
  }
}
