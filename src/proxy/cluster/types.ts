// What a cluster is made of once compiled, and what it needs from the folder above that holds connections.
import type { Http1Options } from '../../http1/types.ts';
import type { Http2Options, Http2Stream, StreamHandler } from '../../http2/types.ts';
import type { KeepaliveSettings } from '../runtime/compile/index.ts';
import type { UpstreamTls } from '../tls/index.ts';

/** envoy.config.core.v3.HealthStatus by name. */
export type HealthStatus = 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';

/** envoy.config.core.v3.Locality; '' where not given. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** One endpoint as an assignment says it. Immutable. */
export interface Endpoint {
  /** IP and port, e.g. `10.0.0.1:9095` or `[::1]:9095`: the key under which live state is kept. */
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  /** `Endpoint.hostname`, or the DNS name it was resolved from; ''. */
  readonly hostname: string;
  readonly healthStatus: HealthStatus;
  /** load_balancing_weight, 1 … 4,294,967,295; 1 unless given. */
  readonly weight: number;
  /** 0 is the highest. */
  readonly priority: number;
  readonly locality: Locality;
}

/** The endpoints of one cluster at one moment. */
export interface Assignment {
  readonly endpoints: readonly Endpoint[];
  /** Percent; 140 unless given (policy.overprovisioning_factor). */
  readonly overprovisioningFactor: number;
  /** Part of all requests that no host is to get (policy.drop_overloads), 0 … 1; 0 unless given. */
  readonly dropFraction?: number;
}

/** An endpoint of a STRICT_DNS cluster before its name is resolved. */
export interface NamedEndpoint extends Omit<Endpoint, 'address' | 'ip'> {
  readonly name: string;
}

/** Where a cluster's endpoints come from. */
export type Discovery =
  | { readonly type: 'STATIC'; readonly assignment: Assignment }
  | { readonly type: 'EDS'; readonly serviceName: string }
  | {
      readonly type: 'STRICT_DNS';
      readonly endpoints: readonly NamedEndpoint[];
      readonly overprovisioningFactor: number;
      readonly dropFraction?: number;
      /** dns_refresh_rate; 5 s. */
      readonly refreshMs: number;
      readonly family: DnsFamily;
    };

/** dns_lookup_family by number. AUTO takes IPv6 addresses, and IPv4 ones only when there are none. */
export const DNS_FAMILIES = ['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'] as const;
export type DnsFamily = (typeof DNS_FAMILIES)[number];

export type LbPolicy =
  | { readonly name: 'ROUND_ROBIN' }
  | { readonly name: 'RANDOM' }
  /** choice_count: how many random hosts are compared; 2. */
  | { readonly name: 'LEAST_REQUEST'; readonly choiceCount: number };

/** CircuitBreakers.Thresholds of one priority; Infinity where there is no limit. */
export interface BreakerLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Replaces maxRetries: percent of active and pending requests, and the floor. */
  readonly retryBudget: { readonly percent: number; readonly minRetries: number } | null;
  readonly trackRemaining: boolean;
}

/** RoutingPriority by name. */
export type RequestPriority = 'default' | 'high';

/** envoy.config.cluster.v3.OutlierDetection; percentages 0 … 100, durations in ms, defaults as in the proto. */
export interface OutlierSettings {
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  readonly splitLocalOrigin: boolean;
  readonly consecutive5xx: number;
  readonly enforcingConsecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly enforcingConsecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly enforcingConsecutiveLocalOriginFailure: number;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  readonly successRateStdevFactor: number;
  readonly enforcingSuccessRate: number;
  readonly enforcingLocalOriginSuccessRate: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  readonly enforcingFailurePercentage: number;
  readonly enforcingFailurePercentageLocalOrigin: number;
}

/** What is said of connections that speak HTTP/1.1. */
export interface Http1Settings {
  readonly options: Http1Options;
  /** common_http_protocol_options.idle_timeout; 1 h; null: none. */
  readonly idleTimeoutMs: number | null;
  /** max_requests_per_connection; 0: no limit. */
  readonly maxRequests: number;
}

/** A compiled Cluster resource, before anything runs. */
export interface ClusterSettings {
  readonly name: string;
  /** alt_stat_name, or the name. */
  readonly statName: string;
  readonly discovery: Discovery;
  readonly lbPolicy: LbPolicy;
  /** connect_timeout; 5 s. */
  readonly connectTimeoutMs: number;
  /** How its connections are secured; null: plain TCP. */
  readonly tls: UpstreamTls | null;
  /** per_connection_buffer_limit_bytes; 1 MiB. */
  readonly bufferLimit: number;
  /** common_http_protocol_options.max_requests_per_connection; 0: no limit. */
  readonly maxRequestsPerConnection: number;
  /** What HTTP requests are sent in; as in Envoy HTTP/1.1 where nothing is said. */
  readonly protocol: 'HTTP1' | 'HTTP2';
  readonly http1: Http1Settings;
  readonly http2: Http2Options;
  readonly keepalive: KeepaliveSettings | null;
  /** common_lb_config.healthy_panic_threshold in percent; 50. */
  readonly panicThreshold: number;
  readonly breakers: Readonly<Record<RequestPriority, BreakerLimits>>;
  readonly outlier: OutlierSettings | null;
}

/** Why no stream was had. Texts are Envoy's (`reset reason: …`). */
export type PoolFailure = 'remote connection failure' | 'connection timeout' | 'overflow';

/** Somebody who wants a stream to a host. Exactly one of the two is called, once, perhaps before `open` returns. */
export interface StreamRequest {
  readonly priority: RequestPriority;
  /** Gets the stream's events; asked for when the stream is opened. */
  readonly handler: StreamHandler;
  onReady(stream: Http2Stream): void;
  onPoolFailure(failure: PoolFailure, detail: string): void;
}

/** The connections to one host. `proxy/upstream` makes them. */
export interface HostPool {
  open(request: StreamRequest): void;
  /** Forgets a request that still waits. */
  cancel(request: StreamRequest): void;
  /** Takes no new streams; connections close when their streams have ended, then `onDrained` is called once. */
  drain(onDrained: () => void): void;
  /** Cuts everything. */
  close(): void;
}

/** How picking is bent on a second try (RetryPolicy.retry_priority, retry_host_predicate, host_selection_retry_max_attempts). */
export interface HostSelection {
  /** envoy.retry_priorities.previous_priorities.update_frequency; 0 = not configured. */
  readonly previousPrioritiesEvery: number;
  /** envoy.retry_host_predicates.previous_hosts. */
  readonly avoidPreviousHosts: boolean;
  /** How often a host refused by the predicate is picked anew; 1. */
  readonly maxAttempts: number;
}
