import { type Counter, type Gauge, type Histogram, listenerScope, type MetricRegistry } from '../../telemetry/index.ts';

/** `listener.<address>.…`. */
export interface ListenerStats {
  readonly downstreamCxTotal: Counter;
  readonly downstreamCxActive: Gauge;
  readonly downstreamCxDestroy: Counter;
  readonly downstreamCxLengthMs: Histogram;
}

export function createListenerStats(metrics: MetricRegistry, name: string): ListenerStats {
  const scope = listenerScope(metrics, name);
  return {
    downstreamCxTotal: scope.counter('downstream_cx_total'),
    downstreamCxActive: scope.gauge('downstream_cx_active'),
    downstreamCxDestroy: scope.counter('downstream_cx_destroy'),
    downstreamCxLengthMs: scope.histogram('downstream_cx_length_ms'),
  };
}
