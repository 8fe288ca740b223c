// Counters, their text forms, and structured logs. Knows no role and no protocol.
export {
  clusterScope,
  httpScope,
  listenerHttpScope,
  listenerScope,
  listenerWorkerScope,
  type ResponseCodeStats,
  rootScope,
  type StatScope,
  tcpScope,
} from './envoy-stats.ts';
export { createLogger, type LogFields, type Logger, type LogLevel, silentLogger } from './logger.ts';
export { Counter, Gauge, Histogram, type Labels, type Metric, type MetricId, type Series } from './metric.ts';
export { MetricRegistry } from './metrics.ts';
export { prometheusPieces, prometheusText } from './prometheus.ts';
