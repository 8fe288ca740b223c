import { createCodecStats, type Http2CodecStats } from '../../../http2/index.ts';
import {
  type Counter,
  type Gauge,
  type Histogram,
  httpScope,
  listenerHttpScope,
  type MetricRegistry,
  type ResponseCodeStats,
  rootScope,
} from '../../../telemetry/index.ts';

/** `http.<stat_prefix>.…` and `listener.<address>.http.<stat_prefix>.…`: fetched once, written as plain fields. */
export interface HttpStats {
  readonly downstreamCxTotal: Counter;
  readonly downstreamCxActive: Gauge;
  readonly downstreamCxSslTotal: Counter;
  readonly downstreamCxSslActive: Gauge;
  readonly downstreamCxHttp1Total: Counter;
  readonly downstreamCxHttp1Active: Gauge;
  readonly downstreamCxHttp2Total: Counter;
  readonly downstreamCxHttp2Active: Gauge;
  readonly downstreamCxDestroy: Counter;
  readonly downstreamCxDrainClose: Counter;
  readonly downstreamCxProtocolError: Counter;
  readonly downstreamCxIdleTimeout: Counter;
  readonly downstreamCxMaxRequestsReached: Counter;
  readonly downstreamCxRxBytesTotal: Counter;
  readonly downstreamCxTxBytesTotal: Counter;
  readonly downstreamCxLengthMs: Histogram;
  readonly downstreamRqTotal: Counter;
  readonly downstreamRqActive: Gauge;
  readonly downstreamRqHttp1Total: Counter;
  readonly downstreamRqHttp2Total: Counter;
  readonly downstreamRqRxReset: Counter;
  readonly downstreamRqTxReset: Counter;
  readonly downstreamRqFailedPathNormalization: Counter;
  readonly downstreamRqIdleTimeout: Counter;
  readonly downstreamRqMaxDurationReached: Counter;
  readonly downstreamRqTime: Histogram;
  readonly downstreamRq: ResponseCodeStats;
  /** The same responses by listener. */
  readonly listenerRq: ResponseCodeStats;
  readonly rqTotal: Counter;
  readonly rqDirectResponse: Counter;
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  /** `http2.…`: of all downstream connections of the process. */
  readonly codec: Http2CodecStats;
}

export function createHttpStats(metrics: MetricRegistry, prefix: string, listener: string): HttpStats {
  const scope = httpScope(metrics, prefix);
  const codec = rootScope(metrics, 'http2');
  return {
    downstreamCxTotal: scope.counter('downstream_cx_total'),
    downstreamCxActive: scope.gauge('downstream_cx_active'),
    downstreamCxSslTotal: scope.counter('downstream_cx_ssl_total'),
    downstreamCxSslActive: scope.gauge('downstream_cx_ssl_active'),
    downstreamCxHttp1Total: scope.counter('downstream_cx_http1_total'),
    downstreamCxHttp1Active: scope.gauge('downstream_cx_http1_active'),
    downstreamCxHttp2Total: scope.counter('downstream_cx_http2_total'),
    downstreamCxHttp2Active: scope.gauge('downstream_cx_http2_active'),
    downstreamCxDestroy: scope.counter('downstream_cx_destroy'),
    downstreamCxDrainClose: scope.counter('downstream_cx_drain_close'),
    downstreamCxProtocolError: scope.counter('downstream_cx_protocol_error'),
    downstreamCxIdleTimeout: scope.counter('downstream_cx_idle_timeout'),
    downstreamCxMaxRequestsReached: scope.counter('downstream_cx_max_requests_reached'),
    downstreamCxRxBytesTotal: scope.counter('downstream_cx_rx_bytes_total'),
    downstreamCxTxBytesTotal: scope.counter('downstream_cx_tx_bytes_total'),
    downstreamCxLengthMs: scope.histogram('downstream_cx_length_ms'),
    downstreamRqTotal: scope.counter('downstream_rq_total'),
    downstreamRqActive: scope.gauge('downstream_rq_active'),
    downstreamRqHttp1Total: scope.counter('downstream_rq_http1_total'),
    downstreamRqHttp2Total: scope.counter('downstream_rq_http2_total'),
    downstreamRqRxReset: scope.counter('downstream_rq_rx_reset'),
    downstreamRqTxReset: scope.counter('downstream_rq_tx_reset'),
    downstreamRqFailedPathNormalization: scope.counter('downstream_rq_failed_path_normalization'),
    downstreamRqIdleTimeout: scope.counter('downstream_rq_idle_timeout'),
    downstreamRqMaxDurationReached: scope.counter('downstream_rq_max_duration_reached'),
    downstreamRqTime: scope.histogram('downstream_rq_time'),
    downstreamRq: scope.responseCodes('downstream_rq', 'classes'),
    listenerRq: listenerHttpScope(metrics, listener, prefix).responseCodes('downstream_rq', 'classes'),
    rqTotal: scope.counter('rq_total'),
    rqDirectResponse: scope.counter('rq_direct_response'),
    noRoute: scope.counter('no_route'),
    noCluster: scope.counter('no_cluster'),
    // of each connection manager, as in Envoy; the others are of the process
    codec: createCodecStats((stat) =>
      stat === 'too_many_premature_resets' || stat === 'header_timeout' ? scope.counter(`downstream_rq_${stat}`) : codec.counter(stat),
    ),
  };
}
