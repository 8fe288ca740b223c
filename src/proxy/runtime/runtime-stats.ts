import { type Counter, clusterScope, type Gauge, type MetricId, type MetricRegistry } from '../../telemetry/index.ts';

/** `cluster_manager.*` and `listener_manager.*`, as Envoy names them. */
export interface RuntimeStats {
  readonly clusterAdded: Counter;
  readonly clusterModified: Counter;
  readonly clusterRemoved: Counter;
  readonly activeClusters: Gauge;
  readonly warmingClusters: Gauge;
  readonly cdsFetchTimeout: Counter;
  readonly listenerAdded: Counter;
  readonly listenerModified: Counter;
  readonly listenerRemoved: Counter;
  readonly listenerCreateSuccess: Counter;
  readonly listenerCreateFailure: Counter;
  readonly listenersActive: Gauge;
  readonly listenersWarming: Gauge;
  /** 1 once listeners serve; readiness probes of Istio read it. */
  readonly workersStarted: Gauge;
  readonly ldsFetchTimeout: Counter;
}

export function createRuntimeStats(registry: MetricRegistry): RuntimeStats {
  const counter = (name: string): Counter => registry.counter(stat(name));
  const gauge = (name: string): Gauge => registry.gauge(stat(name));
  return {
    clusterAdded: counter('cluster_manager.cluster_added'),
    clusterModified: counter('cluster_manager.cluster_modified'),
    clusterRemoved: counter('cluster_manager.cluster_removed'),
    activeClusters: gauge('cluster_manager.active_clusters'),
    warmingClusters: gauge('cluster_manager.warming_clusters'),
    cdsFetchTimeout: counter('cluster_manager.cds.init_fetch_timeout'),
    listenerAdded: counter('listener_manager.listener_added'),
    listenerModified: counter('listener_manager.listener_modified'),
    listenerRemoved: counter('listener_manager.listener_removed'),
    listenerCreateSuccess: counter('listener_manager.listener_create_success'),
    listenerCreateFailure: counter('listener_manager.listener_create_failure'),
    listenersActive: gauge('listener_manager.total_listeners_active'),
    listenersWarming: gauge('listener_manager.total_listeners_warming'),
    workersStarted: gauge('listener_manager.workers_started'),
    ldsFetchTimeout: counter('listener_manager.lds.init_fetch_timeout'),
  };
}

/** What a cluster cannot count itself of its EDS subscription: `cluster.<name>.update_*`. */
export interface EndpointStats {
  readonly rejected: Counter;
  readonly empty: Counter;
  readonly fetchTimeout: Counter;
}

export function endpointStats(registry: MetricRegistry, cluster: string): EndpointStats {
  const scope = clusterScope(registry, cluster);
  return {
    rejected: scope.counter('update_rejected'),
    empty: scope.counter('update_empty'),
    fetchTimeout: scope.counter('init_fetch_timeout'),
  };
}

function stat(name: string): MetricId {
  return { name: `envoy_${name.replaceAll('.', '_')}`, stat: name };
}
