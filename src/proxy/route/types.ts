// What a RouteConfiguration is once compiled: plain values that a request reads.
import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { HostSelection, RequestPriority } from '../cluster/types.ts';

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
  readonly cancelled: boolean;
  readonly 'deadline-exceeded': boolean;
  readonly internal: boolean;
  readonly 'resource-exhausted': boolean;
  readonly unavailable: boolean;
}

/** envoy.config.route.v3.RetryPolicy with HedgePolicy.hedge_on_per_try_timeout. */
export interface RetryPolicy {
  readonly on: RetryOn;
  /** Tries beyond the first. */
  readonly numRetries: number;
  /** null: none of its own. */
  readonly perTryTimeoutMs: number | null;
  /** After `perTryTimeoutMs` the try goes on and another one starts beside it. */
  readonly hedges: boolean;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly retriableStatusCodes: ReadonlySet<number>;
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

export interface ForwardAction {
  readonly kind: 'forward';
  readonly cluster: ClusterChoice;
  /** HTTP status when the cluster does not exist; 503. */
  readonly clusterNotFoundStatus: number;
  /** From the end of the request to the end of the response; null: none. Envoy's default is 15 s. */
  readonly timeoutMs: number | null;
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
  /** Bytes of a request kept for a retry; null: the listener's limit. */
  readonly bufferLimit: number | null;
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
