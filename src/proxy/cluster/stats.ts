import { createCodecStats, type Http2CodecStats } from '../../http2/index.ts';
import type { Counter, Gauge, Histogram, ResponseCodeStats, StatScope } from '../../telemetry/index.ts';
import { createTlsStats, type TlsStats } from '../tls/index.ts';

/** `cluster.<name>.…`: fetched once, written as plain fields. Names are Envoy's, in camel case. */
export interface ClusterStats {
  readonly upstreamCxTotal: Counter;
  readonly upstreamCxActive: Gauge;
  readonly upstreamCxHttp1Total: Counter;
  readonly upstreamCxHttp2Total: Counter;
  readonly upstreamCxConnectFail: Counter;
  readonly upstreamCxConnectTimeout: Counter;
  readonly upstreamCxDestroy: Counter;
  readonly upstreamCxCloseNotify: Counter;
  readonly upstreamCxMaxRequests: Counter;
  readonly upstreamCxIdleTimeout: Counter;
  readonly upstreamCxProtocolError: Counter;
  readonly upstreamCxOverflow: Counter;
  readonly upstreamCxNoneHealthy: Counter;
  readonly upstreamCxConnectMs: Histogram;
  readonly upstreamCxLengthMs: Histogram;
  readonly upstreamCxRxBytesTotal: Counter;
  readonly upstreamCxTxBytesTotal: Counter;
  readonly upstreamRqTotal: Counter;
  readonly upstreamRqActive: Gauge;
  readonly upstreamRqPendingTotal: Counter;
  readonly upstreamRqPendingActive: Gauge;
  readonly upstreamRqPendingOverflow: Counter;
  readonly upstreamRqActiveOverflow: Counter;
  readonly upstreamRqTimeout: Counter;
  readonly upstreamRqPerTryTimeout: Counter;
  readonly upstreamRqPerTryIdleTimeout: Counter;
  readonly upstreamRqRxReset: Counter;
  readonly upstreamRqTxReset: Counter;
  readonly upstreamRqRetry: Counter;
  readonly upstreamRqRetrySuccess: Counter;
  readonly upstreamRqRetryLimitExceeded: Counter;
  readonly upstreamRqRetryBackoffExponential: Counter;
  readonly upstreamRqRetryBackoffRatelimited: Counter;
  readonly retryOrShadowAbandoned: Counter;
  readonly upstreamRqTime: Histogram;
  /** `upstream_rq_completed`, `upstream_rq_2xx`, `upstream_rq_200`, …: by HTTP meaning, local answers included. */
  readonly upstreamRq: ResponseCodeStats;
  /** `retry.upstream_rq_…`: responses that were thrown away for another try. The series exist from the first one on. */
  readonly retryUpstreamRq: () => ResponseCodeStats;
  readonly membershipTotal: Gauge;
  readonly membershipHealthy: Gauge;
  readonly membershipDegraded: Gauge;
  readonly membershipExcluded: Gauge;
  readonly membershipChange: Counter;
  readonly updateAttempt: Counter;
  readonly updateSuccess: Counter;
  readonly updateEmpty: Counter;
  readonly updateFailure: Counter;
  readonly lbHealthyPanic: Counter;
  readonly http2StreamsActive: Gauge;
  /** `ssl.…`; null where connections are plain. */
  readonly ssl: TlsStats | null;
  /** `http2.…` of the cluster's connections. */
  readonly http2: Http2CodecStats;
}

export function createClusterStats(scope: StatScope, isSecure: boolean): ClusterStats {
  let retried: ResponseCodeStats | undefined;
  return {
    upstreamCxTotal: scope.counter('upstream_cx_total'),
    upstreamCxActive: scope.gauge('upstream_cx_active'),
    upstreamCxHttp1Total: scope.counter('upstream_cx_http1_total'),
    upstreamCxHttp2Total: scope.counter('upstream_cx_http2_total'),
    upstreamCxConnectFail: scope.counter('upstream_cx_connect_fail'),
    upstreamCxConnectTimeout: scope.counter('upstream_cx_connect_timeout'),
    upstreamCxDestroy: scope.counter('upstream_cx_destroy'),
    upstreamCxIdleTimeout: scope.counter('upstream_cx_idle_timeout'),
    upstreamCxMaxRequests: scope.counter('upstream_cx_max_requests'),
    upstreamCxProtocolError: scope.counter('upstream_cx_protocol_error'),
    upstreamCxCloseNotify: scope.counter('upstream_cx_close_notify'),
    upstreamCxOverflow: scope.counter('upstream_cx_overflow'),
    upstreamCxNoneHealthy: scope.counter('upstream_cx_none_healthy'),
    upstreamCxConnectMs: scope.histogram('upstream_cx_connect_ms'),
    upstreamCxLengthMs: scope.histogram('upstream_cx_length_ms'),
    upstreamCxRxBytesTotal: scope.counter('upstream_cx_rx_bytes_total'),
    upstreamCxTxBytesTotal: scope.counter('upstream_cx_tx_bytes_total'),
    upstreamRqTotal: scope.counter('upstream_rq_total'),
    upstreamRqActive: scope.gauge('upstream_rq_active'),
    upstreamRqPendingTotal: scope.counter('upstream_rq_pending_total'),
    upstreamRqPendingActive: scope.gauge('upstream_rq_pending_active'),
    upstreamRqPendingOverflow: scope.counter('upstream_rq_pending_overflow'),
    upstreamRqActiveOverflow: scope.counter('upstream_rq_active_overflow'),
    upstreamRqTimeout: scope.counter('upstream_rq_timeout'),
    upstreamRqPerTryTimeout: scope.counter('upstream_rq_per_try_timeout'),
    upstreamRqPerTryIdleTimeout: scope.counter('upstream_rq_per_try_idle_timeout'),
    upstreamRqRxReset: scope.counter('upstream_rq_rx_reset'),
    upstreamRqTxReset: scope.counter('upstream_rq_tx_reset'),
    upstreamRqRetry: scope.counter('upstream_rq_retry'),
    upstreamRqRetrySuccess: scope.counter('upstream_rq_retry_success'),
    upstreamRqRetryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
    upstreamRqRetryBackoffExponential: scope.counter('upstream_rq_retry_backoff_exponential'),
    upstreamRqRetryBackoffRatelimited: scope.counter('upstream_rq_retry_backoff_ratelimited'),
    retryOrShadowAbandoned: scope.counter('retry_or_shadow_abandoned'),
    upstreamRqTime: scope.histogram('upstream_rq_time'),
    // nobody is internal here: what Envoy counts as `internal` does not come about
    upstreamRq: scope.responseCodes('upstream_rq', 'codes', 'external'),
    retryUpstreamRq: () => (retried ??= scope.responseCodes('retry.upstream_rq', 'codes')),
    membershipTotal: scope.gauge('membership_total'),
    membershipHealthy: scope.gauge('membership_healthy'),
    membershipDegraded: scope.gauge('membership_degraded'),
    membershipExcluded: scope.gauge('membership_excluded'),
    membershipChange: scope.counter('membership_change'),
    updateAttempt: scope.counter('update_attempt'),
    updateSuccess: scope.counter('update_success'),
    updateEmpty: scope.counter('update_empty'),
    updateFailure: scope.counter('update_failure'),
    lbHealthyPanic: scope.counter('lb_healthy_panic'),
    http2StreamsActive: scope.gauge('http2.streams_active'),
    ssl: isSecure ? createTlsStats(scope) : null,
    http2: createCodecStats((stat) => scope.counter(`http2.${stat}`)),
  };
}
