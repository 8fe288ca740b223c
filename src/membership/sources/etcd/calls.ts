import { type Client, type Metadata, status } from '@grpc/grpc-js';
import { type Clock, RingwayError } from '../../../core/index.ts';
import {
  AuthenticateRequest,
  AuthenticateResponse,
  RangeRequest,
  RangeResponse,
  WatchRequest,
  WatchResponse,
} from '../../../gen/etcd/rpc.ts';

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A method of etcd's API. */
interface Method<Q, A> {
  readonly path: string;
  readonly encode: (request: Q) => Buffer;
  readonly decode: (bytes: Buffer) => A;
}

function method<Q, A>(path: string, request: Codec<Q>, answer: Codec<A>): Method<Q, A> {
  return { path, encode: (message) => Buffer.from(request.encode(message).finish()), decode: (bytes) => answer.decode(bytes) };
}

/** api/etcdserverpb/rpc.proto */
export const AUTHENTICATE: Method<AuthenticateRequest, AuthenticateResponse> = method(
  '/etcdserverpb.Auth/Authenticate',
  AuthenticateRequest,
  AuthenticateResponse,
);
export const RANGE: Method<RangeRequest, RangeResponse> = method('/etcdserverpb.KV/Range', RangeRequest, RangeResponse);
export const WATCH: Method<WatchRequest, WatchResponse> = method('/etcdserverpb.Watch/Watch', WatchRequest, WatchResponse);

/** A call that has an end. */
export interface UnaryOptions {
  /** What its errors begin with. */
  readonly endpoint: string;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Given up when its time is over or `signal` aborts. Rejects with RingwayError: `ETCD_TIMEOUT`, or as callFailure says. */
export function unary<Q, A>(client: Client, method: Method<Q, A>, request: Q, options: UnaryOptions): Promise<A> {
  const { endpoint, metadata, timeoutMs, clock, signal } = options;
  return new Promise((resolve, reject) => {
    let isLate = false;
    const call = client.makeUnaryRequest(method.path, method.encode, method.decode, request, metadata, (error, answer) => {
      timer.cancel();
      signal.removeEventListener('abort', cancel);
      if (error === null) resolve(answer as A);
      else reject(isLate ? failure(endpoint, `did not answer within ${timeoutMs}ms`, 'ETCD_TIMEOUT', error) : callFailure(endpoint, error));
    });
    const cancel = (): void => call.cancel();
    const timer = clock.after(timeoutMs, () => {
      isLate = true;
      cancel();
    });
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  });
}

/** An error of one endpoint: its message begins with that. */
export function failure(endpoint: string, what: string, code: string, cause?: unknown): RingwayError {
  return new RingwayError(`${endpoint}: ${what}`, { code, cause });
}

/** What went wrong with a call, as RingwayError `ETCD_<status>`, such as `ETCD_UNAVAILABLE`. */
export function callFailure(endpoint: string, error: { readonly code: number; readonly details: string }): RingwayError {
  const name = status[error.code] ?? String(error.code);
  return failure(endpoint, `${name}: ${oneLine(error.details)}`, `ETCD_${name}`, error);
}

/** An answer whose bytes are something else: protobuf lets nearly everything pass. */
export function badAnswer(endpoint: string): RingwayError {
  return failure(endpoint, 'answered without a header', 'ETCD_BAD_ANSWER');
}

/** What a server says, fit to print. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/[^\x21-\x7e]+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
