import {
  type Counter,
  type Gauge,
  type Histogram,
  listenerScope,
  listenerWorkerScope,
  type MetricRegistry,
} from '../../telemetry/index.ts';
import { createTlsStats, type TlsStats } from '../tls/index.ts';

/** `listener.<address>.…`. */
export interface ListenerStats {
  readonly downstreamCxTotal: Counter;
  readonly downstreamCxActive: Gauge;
  readonly downstreamCxDestroy: Counter;
  /** Connections that were closed at once: the listener has as many as it may. */
  readonly downstreamCxOverflow: Counter;
  /** The same for all listeners together. */
  readonly downstreamGlobalCxOverflow: Counter;
  readonly downstreamCxLengthMs: Histogram;
  /** Handshakes that took too long. */
  readonly downstreamCxTransportSocketConnectTimeout: Counter;
  /** `ssl.…`; null where connections are plain. */
  readonly ssl: TlsStats | null;
  /** `listener.<address>.worker_<n>.…`. */
  readonly workerCxTotal: Counter;
  readonly workerCxActive: Gauge;
}

export function createListenerStats(metrics: MetricRegistry, name: string, worker: number, isSecure: boolean): ListenerStats {
  const scope = listenerScope(metrics, name);
  const own = listenerWorkerScope(metrics, name, worker);
  return {
    downstreamCxTotal: scope.counter('downstream_cx_total'),
    downstreamCxActive: scope.gauge('downstream_cx_active'),
    downstreamCxDestroy: scope.counter('downstream_cx_destroy'),
    downstreamCxOverflow: scope.counter('downstream_cx_overflow'),
    downstreamGlobalCxOverflow: scope.counter('downstream_global_cx_overflow'),
    downstreamCxLengthMs: scope.histogram('downstream_cx_length_ms'),
    downstreamCxTransportSocketConnectTimeout: scope.counter('downstream_cx_transport_socket_connect_timeout'),
    ssl: isSecure ? createTlsStats(scope) : null,
    workerCxTotal: own.counter('downstream_cx_total'),
    workerCxActive: own.gauge('downstream_cx_active'),
  };
}
