import { type Counter, type MetricRegistry, tcpScope } from '../../../telemetry/index.ts';

/** `tcp.<stat_prefix>.…`. */
export interface TcpStats {
  readonly downstreamCxTotal: Counter;
  readonly downstreamCxNoRoute: Counter;
  readonly downstreamCxRxBytesTotal: Counter;
  readonly downstreamCxTxBytesTotal: Counter;
  readonly idleTimeout: Counter;
}

export function createTcpStats(metrics: MetricRegistry, prefix: string): TcpStats {
  const scope = tcpScope(metrics, prefix);
  return {
    downstreamCxTotal: scope.counter('downstream_cx_total'),
    downstreamCxNoRoute: scope.counter('downstream_cx_no_route'),
    downstreamCxRxBytesTotal: scope.counter('downstream_cx_rx_bytes_total'),
    downstreamCxTxBytesTotal: scope.counter('downstream_cx_tx_bytes_total'),
    idleTimeout: scope.counter('idle_timeout'),
  };
}
