import { Counter, Gauge, Histogram } from './metric.ts';
import type { MetricRegistry } from './metrics.ts';
import { promName, type ScopedName, type ScopeSeries, type StatScopeId } from './scope-series.ts';

/** Creates the series of one scope. Fetch metrics once, when a resource is compiled, and write to their fields afterwards. */
export class StatScope {
  readonly id: StatScopeId;
  readonly #registry: MetricRegistry;
  #series: ScopeSeries | null = null;

  constructor(registry: MetricRegistry, id: StatScopeId) {
    this.#registry = registry;
    this.id = id;
  }

  counter(stat: string): Counter {
    return this.#registry.scoped(this.#own(), { stat }, Counter);
  }

  gauge(stat: string): Gauge {
    return this.#registry.scoped(this.#own(), { stat }, Gauge);
  }

  histogram(stat: string): Histogram {
    return this.#registry.scoped(this.#own(), { stat }, Histogram);
  }

  /**
   * Counters by response code below `stat` (`upstream_rq`): `_completed`, `_2xx` and, of clusters, `_200` in Envoy's dotted form. With `copy`
   * (`external`) the same counters are also shown below `external.upstream_rq`.
   */
  responseCodes(stat: string, detail: 'classes' | 'codes', copy?: string): ResponseCodeStats {
    const shown = (name: (stat: string) => ScopedName): Counter => {
      const counter = this.#registry.scoped(this.#own(), name(stat), Counter);
      if (copy !== undefined) this.#registry.aliasScoped(this.#own(), name(`${copy}.${stat}`), counter);
      return counter;
    };
    const tagged = (suffix: string, ending: string, label: string, value: string): Counter =>
      shown((of) => ({ stat: `${of}_${suffix}`, tag: { name: `${of}${ending}`, label, value } }));
    return new ResponseCodeStats({
      completed: shown((of) => ({ stat: `${of}_completed` })),
      ofClass: (digit) => tagged(`${digit}xx`, '_xx', 'envoy_response_code_class', String(digit)),
      ofCode: (code) => (detail === 'codes' ? tagged(String(code), '', 'envoy_response_code', String(code)) : null),
    });
  }

  /** A counter whose last dotted part is a label in the Prometheus form: `ssl.versions` of `TLSv1.3` with label `envoy_ssl_version`. */
  tagged(stat: string, label: string, value: string): Counter {
    return this.#registry.scoped(this.#own(), { stat: `${stat}.${value}`, tag: { name: stat, label, value } }, Counter);
  }

  /** Forgets every series of this scope: its cluster or listener is gone. */
  remove(): void {
    this.#registry.removeScope(this.id);
  }

  #own(): ScopeSeries {
    if (this.#series === null || this.#series.isForgotten) this.#series = this.#registry.scope(this.id);
    return this.#series;
  }
}

interface CodeCounterSource {
  readonly completed: Counter;
  ofClass(digit: number): Counter;
  /** null: codes are not counted one by one. */
  ofCode(code: number): Counter | null;
}

/** Counts responses: all of them, by class, by code. A class or code has no series before its first response. */
export class ResponseCodeStats {
  readonly #source: CodeCounterSource;
  readonly #classes: (Counter | undefined)[] = new Array<Counter | undefined>(6).fill(undefined);
  readonly #codes: (Counter | null | undefined)[] = new Array<Counter | null | undefined>(600).fill(undefined);

  constructor(source: CodeCounterSource) {
    this.#source = source;
  }

  /** Codes outside 100…599 count as completed only. */
  record(code: number): void {
    this.#source.completed.value += 1;
    if (code < 100 || code > 599) return;
    this.#classOf(Math.floor(code / 100)).value += 1;
    const ofCode = this.#codeOf(code);
    if (ofCode) ofCode.value += 1;
  }

  #classOf(digit: number): Counter {
    this.#classes[digit] ??= this.#source.ofClass(digit);
    return this.#classes[digit];
  }

  #codeOf(code: number): Counter | null {
    const known = this.#codes[code];
    if (known !== undefined) return known;
    const made = this.#source.ofCode(code);
    this.#codes[code] = made;
    return made;
  }
}

/** `cluster.<name>`. */
export function clusterScope(registry: MetricRegistry, name: string): StatScope {
  return new StatScope(registry, { stat: `cluster.${name}`, name: 'envoy_cluster', labels: { envoy_cluster_name: name } });
}

/** `listener.<address>`; Envoy writes `127.0.0.1_9096` for `127.0.0.1:9096`. */
export function listenerScope(registry: MetricRegistry, address: string): StatScope {
  const tag = address.replaceAll(':', '_');
  return new StatScope(registry, { stat: `listener.${tag}`, name: 'envoy_listener', labels: { envoy_listener_address: tag } });
}

/** `listener.<address>.worker_<n>`: what one process of a sidecar (in Envoy: one thread) has of a listener. */
export function listenerWorkerScope(registry: MetricRegistry, address: string, worker: number): StatScope {
  const tag = address.replaceAll(':', '_');
  const labels = { envoy_worker_id: String(worker), envoy_listener_address: tag };
  return new StatScope(registry, { stat: `listener.${tag}.worker_${worker}`, name: 'envoy_listener_worker', labels });
}

/** `http.<stat_prefix>`. */
export function httpScope(registry: MetricRegistry, prefix: string): StatScope {
  return new StatScope(registry, { stat: `http.${prefix}`, name: 'envoy_http', labels: { envoy_http_conn_manager_prefix: prefix } });
}

/** `listener.<address>.http.<stat_prefix>`. */
export function listenerHttpScope(registry: MetricRegistry, address: string, prefix: string): StatScope {
  const tag = address.replaceAll(':', '_');
  const labels = { envoy_http_conn_manager_prefix: prefix, envoy_listener_address: tag };
  return new StatScope(registry, { stat: `listener.${tag}.http.${prefix}`, name: 'envoy_listener_http', labels });
}

/** A tree of its own, without tags: `http2`, `server`. */
export function rootScope(registry: MetricRegistry, stat: string): StatScope {
  return new StatScope(registry, { stat, name: `envoy_${promName(stat)}`, labels: {} });
}

/** `tcp.<stat_prefix>`. */
export function tcpScope(registry: MetricRegistry, prefix: string): StatScope {
  return new StatScope(registry, { stat: `tcp.${prefix}`, name: 'envoy_tcp', labels: { envoy_tcp_prefix: prefix } });
}
