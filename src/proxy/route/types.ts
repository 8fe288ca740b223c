// What a RouteConfiguration is once compiled: plain values that a request reads.
import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { HostSelection, RequestPriority } from '../cluster/types.ts';
import type { HeaderMatch } from './header-match.ts';

/** One change of a header block, in the order they are made. */
export type HeaderMutation =
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'add'; readonly field: Field }
  | { readonly kind: 'add-if-absent'; readonly field: Field }
  | { readonly kind: 'overwrite'; readonly field: Field }
  | { readonly kind: 'overwrite-if-present'; readonly field: Field };

/** Which cluster a route sends to. */
export type ClusterChoice =
  | { readonly kind: 'one'; readonly name: string }
  | { readonly kind: 'header'; readonly header: string }
  | {
      readonly kind: 'weighted';
      readonly totalWeight: number;
      readonly clusters: readonly { readonly name: string; readonly weight: number }[];
    };

/** RetryPolicy.retry_on, one flag a word. */
export interface RetryOn {
  readonly '5xx': boolean;
  readonly 'gateway-error': boolean;
  readonly reset: boolean;
  readonly 'reset-before-request': boolean;
  readonly 'connect-failure': boolean;
  readonly 'retriable-4xx': boolean;
  readonly 'refused-stream': boolean;
  readonly 'retriable-status-codes': boolean;
  readonly 'retriable-headers': boolean;
  readonly 'envoy-ratelimited': boolean;
  readonly cancelled: boolean;
  readonly 'deadline-exceeded': boolean;
  readonly internal: boolean;
  readonly 'resource-exhausted': boolean;
  readonly unavailable: boolean;
}

/** RetryPolicy.rate_limited_retry_back_off: the upstream says itself when it wants to be asked again. */
export interface RateLimitedBackoff {
  /** In this order; the first that says something usable counts. */
  readonly headers: readonly { readonly name: string; readonly format: 'SECONDS' | 'UNIX_TIMESTAMP' }[];
  /** A longer time is not waited for: the ordinary back-off holds then. */
  readonly maxMs: number;
}

/** envoy.config.route.v3.RetryPolicy with HedgePolicy.hedge_on_per_try_timeout. */
export interface RetryPolicy {
  readonly on: RetryOn;
  /** One of `on` at least: without, tries have their time limits and no successors. */
  readonly hasConditions: boolean;
  /** Tries beyond the first. */
  readonly numRetries: number;
  /** null: none of its own. */
  readonly perTryTimeoutMs: number | null;
  /** How long the upstream may be silent, from the end of the request on; null: for as long as it likes. */
  readonly perTryIdleTimeoutMs: number | null;
  /** After `perTryTimeoutMs` the try goes on and another one starts beside it. */
  readonly hedges: boolean;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly rateLimitedBackoff: RateLimitedBackoff | null;
  readonly retriableStatusCodes: ReadonlySet<number>;
  /** Of a response: one that fits is enough. */
  readonly retriableHeaders: readonly HeaderMatch[];
  /** Of the request: with any here, only a request that fits one has second tries. */
  readonly retriableRequestHeaders: readonly HeaderMatch[];
  readonly selection: HostSelection;
}

/** RouteAction.MaxStreamDuration; null where not given, 0 means no limit. */
export interface StreamDuration {
  readonly maxMs: number | null;
  /** Upper bound for what the request's own grpc-timeout says; null: that header is not looked at. */
  readonly grpcTimeoutMaxMs: number | null;
  /** Taken off the request's grpc-timeout when that leaves something. */
  readonly grpcTimeoutOffsetMs: number;
}

/** How long a request may take; null: without a limit. */
export interface Timeouts {
  /** From the end of the request to the end of the response. */
  readonly wholeMs: number | null;
  /** From the end of the request, or the beginning of a later try, to the response's headers; always less than the whole. */
  readonly perTryMs: number | null;
}

/** RouteAction.max_grpc_timeout and grpc_timeout_offset: a gRPC request's own grpc-timeout takes the place of the route's timeout. */
export interface GrpcTimeout {
  /** Upper bound; 0: none. */
  readonly maxMs: number;
  /** Taken off the request's when that leaves something. */
  readonly offsetMs: number;
}

/** How many bytes of a request are kept for another try. */
export interface RetryBuffer {
  /** request_body_buffer_limit: this and nothing else; null: not given. */
  readonly exactly: number | null;
  /** per_request_buffer_limit_bytes: this, or the connection's limit where that is less; null: not given. */
  readonly atMost: number | null;
}

export interface ForwardAction {
  readonly kind: 'forward';
  readonly cluster: ClusterChoice;
  /** HTTP status when the cluster does not exist; 503. */
  readonly clusterNotFoundStatus: number;
  /** Envoy's default is 15 s for the whole; with `streamDuration` there is no limit here. */
  readonly timeouts: Timeouts;
  /** null: grpc-timeout does not change `timeouts`. */
  readonly grpcTimeout: GrpcTimeout | null;
  /** Overrides stream_idle_timeout of the connection manager; undefined: does not. */
  readonly idleTimeoutMs: number | null | undefined;
  readonly streamDuration: StreamDuration | null;
  readonly retry: RetryPolicy | null;
  readonly priority: RequestPriority;
  /** Takes the place of the matched prefix; null: the path stays. */
  readonly prefixRewrite: { readonly length: number; readonly replacement: string } | null;
  readonly authority: Field | null;
  /** x-envoy-attempt-count to the upstream, to the caller. */
  readonly attemptCount: { readonly inRequest: boolean; readonly inResponse: boolean };
  readonly retryBuffer: RetryBuffer;
}

export interface DirectResponse {
  readonly kind: 'direct-response';
  readonly status: number;
  /** Latin-1 or UTF-8 text; for gRPC callers the message. */
  readonly body: string;
}

/** A matched route: everything a request needs of it. One object a route, shared by all requests. */
export interface Route {
  readonly name: string;
  readonly virtualHost: string;
  readonly action: ForwardAction | DirectResponse;
  readonly requestHeaders: readonly HeaderMutation[];
  readonly responseHeaders: readonly HeaderMutation[];
}

/** A compiled RouteConfiguration. */
export interface RouteTable {
  readonly name: string;
  /** The route of a request, or undefined when none matches. */
  route(authority: string, path: string, headers: HeaderBlock): Route | undefined;
}
