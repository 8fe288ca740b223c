import type { HostPort } from '../../core/index.ts';
import type { AdminSource } from '../../proxy/admin/index.ts';
import type { DrainRequest } from '../../proxy/admin/types.ts';
import type { Listener } from '../../proxy/listener/index.ts';
import type { ListenerPort } from '../../proxy/runtime/types.ts';
import type { Gauge, MetricRegistry } from '../../telemetry/index.ts';

/** Every listener that is bound or still has connections: what the runtime does with them, and what operators may do with all of them. */
export class ListenerBook implements ListenerPort<Listener> {
  readonly #drainTimeMs: number;
  readonly #drainingGauge: Gauge;
  readonly #bound = new Set<Listener>();
  readonly #draining = new Map<Listener, Promise<void>>();

  constructor(options: { readonly drainTimeMs: number; readonly registry: MetricRegistry }) {
    this.#drainTimeMs = options.drainTimeMs;
    const name = 'listener_manager.total_listeners_draining';
    this.#drainingGauge = options.registry.gauge({ name: `envoy_${name.replaceAll('.', '_')}`, stat: name });
  }

  /** `at`: its address with the port that the kernel chose for another process. */
  async bind(listener: Listener, replaces: Listener | null, at?: HostPort): Promise<void> {
    await listener.bind(replaces, at);
    this.#bound.add(listener);
  }

  serve(listener: Listener): void {
    listener.serve();
  }

  retire(listener: Listener): void {
    void this.#drain(listener, this.#drainTimeMs);
  }

  /** Bound listeners, sorted by name. */
  views(): ReturnType<AdminSource['listeners']> {
    const sorted = [...this.#bound].sort((a, b) => (a.name < b.name ? -1 : 1));
    return sorted.map((listener) => ({ name: listener.name, address: listener.address }));
  }

  /** Where connections come in now, by the listener's name. */
  openPorts(): Map<string, HostPort> {
    const open = [...this.#bound].filter((listener) => listener.isOpen);
    return new Map(open.map((listener) => [listener.name, listener.address]));
  }

  /** Open connections of all listeners, those that drain included. */
  get connections(): number {
    return [...this.#bound, ...this.#draining.keys()].reduce((sum, listener) => sum + listener.activeConnections, 0);
  }

  /** Asks every connection to go; listeners go on (`/healthcheck/fail`). */
  drainConnections(): void {
    for (const listener of this.#bound) listener.drainConnections(this.#drainTimeMs);
  }

  /** `/drain_listeners`. */
  drainListeners({ isGraceful, isInboundOnly }: DrainRequest): void {
    for (const listener of this.#bound) {
      if (isInboundOnly && listener.settings.direction !== 'INBOUND') continue;
      if (isGraceful) void this.#drain(listener, this.#drainTimeMs);
      else void listener.closePort();
    }
  }

  /** Closes every port and resolves when no connection is left, after `deadlineMs` at the latest; unless given, that is `drain_time`. */
  async drainAll(deadlineMs: number = this.#drainTimeMs): Promise<void> {
    for (const listener of [...this.#bound]) void this.#drain(listener, deadlineMs);
    await Promise.all(this.#draining.values());
  }

  #drain(listener: Listener, deadlineMs: number): Promise<void> {
    this.#bound.delete(listener);
    const drained = listener.drain(deadlineMs).finally(() => {
      this.#draining.delete(listener);
      this.#drainingGauge.set(this.#draining.size);
    });
    this.#draining.set(listener, drained);
    this.#drainingGauge.set(this.#draining.size);
    return drained;
  }
}
