// What a request and the folder above agree on.
import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { ConnectEvents, Connecting, ConnectOptions } from '../../transport/index.ts';
import type { ResponseFlag } from '../access-log/index.ts';

/** An answer that no upstream gave. */
export interface LocalReply {
  /** HTTP status; for gRPC callers turned into a grpc-status unless `grpcStatus` says which. */
  readonly status: number;
  readonly grpcStatus?: number;
  /** Text for the caller; for gRPC callers grpc-message. '' for none. */
  readonly body: string;
  readonly flag?: ResponseFlag;
  /** %RESPONSE_CODE_DETAILS%. */
  readonly details: string;
  readonly headers?: readonly Field[];
}

/** The caller's side of one request. Calls come in order: `sendHeaders`, data, trailers; or one `reply`; `abort` after headers only. */
export interface Downstream {
  /** The upstream's headers; `serviceMs` = how long it took, whole milliseconds, `attempts` = how many tries. */
  sendHeaders(headers: HeaderBlock, endStream: boolean, serviceMs: number, attempts: number): void;
  /** False: give no more before `Exchange.onDrain`. */
  sendData(chunk: Buffer, endStream: boolean): boolean;
  sendTrailers(trailers: HeaderBlock): void;
  /** Lets the caller send `bytes` more of its body. */
  credit(bytes: number): void;
  reply(reply: LocalReply): void;
  /** Ends a response that has begun and cannot be finished: RST_STREAM with `code`, INTERNAL_ERROR unless given. */
  abort(flag: ResponseFlag, details: string, code?: number): void;
}

/** Whether x-envoy-expected-rq-timeout-ms and x-envoy-upstream-service-time are written (Router.suppress_envoy_headers). */
export type EnvoyHeaders = 'written' | 'suppressed';

/** Begins a TCP connection: `connect` of `transport`. */
export type Connect = (options: ConnectOptions, events: ConnectEvents) => Connecting;
