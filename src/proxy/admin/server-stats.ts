import type { Clock } from '../../core/index.ts';
import type { Gauge, MetricId, MetricRegistry } from '../../telemetry/index.ts';
import type { MemoryUse } from './pages/process.ts';
import type { ServerState } from './types.ts';

/** `server.state` as Envoy numbers it (envoy.admin.v3.ServerInfo.State). */
const STATE_NUMBERS: Readonly<Record<ServerState, number>> = { LIVE: 0, DRAINING: 1, PRE_INITIALIZING: 2, INITIALIZING: 3 };

export interface ServerStatsOptions {
  readonly registry: MetricRegistry;
  readonly clock: Clock;
  readonly startedMs: number;
  readonly state: () => ServerState;
  readonly memory: () => MemoryUse;
  /** Downstream connections that are open. */
  readonly connections: () => number;
  /** `--concurrency` as reported. */
  readonly concurrency: number;
}

/** `server.*`: most of them are computed when somebody looks. */
export class ServerStats {
  readonly #options: ServerStatsOptions;
  readonly #initializationMs: Gauge;
  readonly #gauges: Readonly<Record<'live' | 'state' | 'uptime' | 'allocated' | 'heap' | 'physical' | 'connections', Gauge>>;

  constructor(options: ServerStatsOptions) {
    const { registry } = options;
    const gauge = (name: string): Gauge => registry.gauge(stat(name));
    this.#options = options;
    this.#initializationMs = gauge('server.initialization_time_ms');
    this.#gauges = {
      live: gauge('server.live'),
      state: gauge('server.state'),
      uptime: gauge('server.uptime'),
      allocated: gauge('server.memory_allocated'),
      heap: gauge('server.memory_heap_size'),
      physical: gauge('server.memory_physical_size'),
      connections: gauge('server.total_connections'),
    };
    gauge('server.concurrency').set(options.concurrency);
    gauge('server.hot_restart_epoch');
    // What Envoy says when it knows no certificate.
    gauge('server.days_until_first_cert_expiring').set(4_294_967_295);
    registry.counter(stat('server.static_unknown_fields'));
    registry.counter(stat('server.dynamic_unknown_fields'));
    this.refresh();
  }

  /** Call it once, when the sidecar is LIVE for the first time. */
  initialized(): void {
    this.#initializationMs.set(this.#options.clock.nowMs() - this.#options.startedMs);
  }

  /** Brings every gauge up to date. */
  refresh(): void {
    const { clock, startedMs, state, memory, connections } = this.#options;
    const use = memory();
    this.#gauges.live.set(state() === 'LIVE' ? 1 : 0);
    this.#gauges.state.set(STATE_NUMBERS[state()]);
    this.#gauges.uptime.set(Math.floor((clock.nowMs() - startedMs) / 1000));
    this.#gauges.allocated.set(use.heapUsed + use.external);
    this.#gauges.heap.set(use.heapTotal);
    this.#gauges.physical.set(use.rss);
    this.#gauges.connections.set(connections());
  }
}

function stat(name: string): MetricId {
  return { name: `envoy_${name.replaceAll('.', '_')}`, stat: name };
}
