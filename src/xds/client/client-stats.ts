import type { Counter, Gauge, MetricId, MetricRegistry } from '../../telemetry/index.ts';
import { TYPE_URLS, type TypeUrl } from '../types.ts';

/** Envoy's subscription stats of one type. */
interface SubscriptionStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  readonly rejected: Counter;
  readonly updateTimeMs: Gauge;
}

/** Types whose subscription Envoy counts once for the process; those of others are counted by the resource that needs them. */
const PREFIXES: ReadonlyMap<TypeUrl, string> = new Map([
  [TYPE_URLS.cluster, 'cluster_manager.cds'],
  [TYPE_URLS.listener, 'listener_manager.lds'],
]);

/** `control_plane.*`, `cluster_manager.cds.*`, `listener_manager.lds.*`. */
export class ClientStats {
  /** 1 while control answers on the stream. */
  readonly connected: Gauge;
  readonly #registry: MetricRegistry;
  readonly #types = new Map<TypeUrl, SubscriptionStats>();

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.connected = registry.gauge(stat('control_plane.connected_state'));
    // Present in Envoy; nothing here waits for a rate limit.
    registry.gauge(stat('control_plane.pending_requests'));
    registry.counter(stat('control_plane.rate_limit_enforced'));
  }

  /** The stats of a type; undefined when Envoy keeps none for the whole process. */
  of(typeUrl: TypeUrl): SubscriptionStats | undefined {
    const known = this.#types.get(typeUrl);
    if (known) return known;
    const prefix = PREFIXES.get(typeUrl);
    if (prefix === undefined) return undefined;
    const created: SubscriptionStats = {
      attempt: this.#registry.counter(stat(`${prefix}.update_attempt`)),
      success: this.#registry.counter(stat(`${prefix}.update_success`)),
      failure: this.#registry.counter(stat(`${prefix}.update_failure`)),
      rejected: this.#registry.counter(stat(`${prefix}.update_rejected`)),
      updateTimeMs: this.#registry.gauge(stat(`${prefix}.update_time`)),
    };
    this.#types.set(typeUrl, created);
    return created;
  }
}

function stat(name: string): MetricId {
  return { name: `envoy_${name.replaceAll('.', '_')}`, stat: name };
}
