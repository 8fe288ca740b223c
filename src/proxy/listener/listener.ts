import type { Socket } from 'node:net';
import { formatHostPort, type HostPort, messageOf } from '../../core/index.ts';
import type { ActiveConnection } from '../filter/types.ts';
import { BoundPort, type PortUser } from './bound-port.ts';
import type { ListenerDeps } from './deps.ts';
import type { ListenerSettings } from './settings.ts';
import { createListenerStats, type ListenerStats } from './stats.ts';

/**
 * One compiled listener: `bind` owns the address, `serve` takes connections, `retire` lets them go. An updated listener on the same
 * address takes over the socket of the one it replaces.
 */
export class Listener implements PortUser {
  readonly settings: ListenerSettings;
  readonly #deps: ListenerDeps;
  readonly #stats: ListenerStats;
  readonly #connections = new Set<ActiveConnection>();
  #port: BoundPort | null = null;
  #onEmpty: (() => void)[] = [];

  constructor(settings: ListenerSettings, deps: ListenerDeps) {
    this.settings = settings;
    this.#deps = deps;
    this.#stats = createListenerStats(deps.metrics, settings.statName);
  }

  get name(): string {
    return this.settings.name;
  }

  /** Where it listens once it is bound, where it is to listen before. */
  get address(): HostPort {
    return this.#port?.address ?? this.settings.address;
  }

  get activeConnections(): number {
    return this.#connections.size;
  }

  /**
   * Owns the address; connections wait until `serve`. `replaces` on the same address hands its socket over. Rejects with CompileError
   * in Envoy's words: `cannot bind '127.0.0.1:9096': Address already in use`.
   */
  async bind(replaces: Listener | null): Promise<void> {
    const { address, backlog } = this.settings;
    const shared = replaces && formatHostPort(replaces.settings.address) === formatHostPort(address) ? replaces.#port : null;
    this.#port = shared ?? (await BoundPort.open(address, backlog, this.#deps.listen, this.#deps.logger));
    this.#port.use(this);
  }

  /** Connections from now on, and those that waited, are its own. */
  serve(): void {
    this.#port?.serve(this);
  }

  /** No new connections; those it has may go on for the drain time. Nothing waits for the end. */
  retire(): void {
    void this.drain(this.#deps.drainTimeMs).catch((error: unknown) => {
      this.#deps.logger.warn('listener.close_failed', { listener: this.name }, messageOf(error));
    });
  }

  /** Closes the port (unless another listener took it over), tells connections to go, cuts the rest after `deadlineMs`. Resolves when none is left. */
  async drain(deadlineMs: number): Promise<void> {
    const closed = this.#port?.release(this);
    for (const connection of [...this.#connections]) connection.drain(deadlineMs);
    if (this.#connections.size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
    await closed;
  }

  /** Tells connections to go while it goes on listening (`/healthcheck/fail`). */
  drainConnections(deadlineMs: number): void {
    for (const connection of [...this.#connections]) connection.drain(deadlineMs);
  }

  /** Stops accepting; connections stay (`/drain_listeners`). */
  async closePort(): Promise<void> {
    await this.#port?.release(this);
  }

  onSocket(socket: Socket): void {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    this.#stats.downstreamCxTotal.value += 1;
    this.#stats.downstreamCxActive.value += 1;
    const accepted = {
      socket,
      remote: formatHostPort({ host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }),
      local: formatHostPort({ host: socket.localAddress ?? '', port: socket.localPort ?? 0 }),
    };
    const connection = this.settings.filter.accept(accepted, () => {
      this.#connections.delete(connection);
      this.#stats.downstreamCxActive.value -= 1;
      this.#stats.downstreamCxDestroy.value += 1;
      this.#stats.downstreamCxLengthMs.record(clock.monotonicMs() - startMs);
      if (this.#connections.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
    });
    this.#connections.add(connection);
  }
}
