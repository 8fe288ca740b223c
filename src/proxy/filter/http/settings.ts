import type { Http1Options } from '../../../http1/types.ts';
import type { Http2Options } from '../../../http2/types.ts';
import type { AccessLogger } from '../../access-log/index.ts';
import type { RouteTable } from '../../route/types.ts';
import type { EnvoyHeaders } from '../../upstream/types.ts';

/** Where a connection manager's routes come from: its own, or those of that name in the configuration a request sees. */
export type RouteSource = { readonly kind: 'inline'; readonly table: RouteTable } | { readonly kind: 'rds'; readonly name: string };

/** A compiled HttpConnectionManager. */
export interface HttpSettings {
  readonly statPrefix: string;
  /** AUTO goes by ALPN, else by the first bytes. */
  readonly codec: 'AUTO' | 'HTTP1' | 'HTTP2';
  readonly routes: RouteSource;
  readonly accessLogs: readonly AccessLogger[];
  readonly http1: Http1Options;
  readonly http2: Http2Options;
  /** stream_idle_timeout; 5 min; null: none. */
  readonly streamIdleTimeoutMs: number | null;
  /** stream_flush_timeout; stream_idle_timeout unless it is set; null: none. */
  readonly streamFlushTimeoutMs: number | null;
  /** common_http_protocol_options.max_requests_per_connection; Infinity: no limit. */
  readonly maxRequestsPerConnection: number;
  /** common_http_protocol_options.idle_timeout; 1 h; null: none. */
  readonly connectionIdleTimeoutMs: number | null;
  /** common_http_protocol_options.max_stream_duration; null: none. */
  readonly maxStreamDurationMs: number | null;
  /** `server` of responses: written over, added when absent, or left as it is. */
  readonly server: { readonly name: string; readonly mode: 'overwrite' | 'append-if-absent' | 'pass-through' };
  readonly requestId: { readonly generate: boolean; readonly preserveExternal: boolean; readonly inResponse: boolean };
  /** use_remote_address: this is the edge, the peer's address is the client's. */
  readonly useRemoteAddress: boolean;
  readonly appendForwardedFor: boolean;
  readonly envoyHeaders: EnvoyHeaders;
}
