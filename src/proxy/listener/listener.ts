import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatHostPort, type HostPort, messageOf } from '../../core/index.ts';
import type { TlsServer } from '../../transport/index.ts';
import type { ActiveConnection } from '../filter/types.ts';
import { BoundPort, type PortUser } from './bound-port.ts';
import type { ListenerDeps } from './deps.ts';
import { SecuringConnection, type SecuringEvents } from './securing.ts';
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
  readonly #maxConnections: number;
  #port: BoundPort | null = null;
  #onEmpty: (() => void)[] = [];

  constructor(settings: ListenerSettings, deps: ListenerDeps) {
    this.settings = settings;
    this.#deps = deps;
    this.#maxConnections = deps.connectionsOf?.[settings.name] ?? Number.POSITIVE_INFINITY;
    this.#stats = createListenerStats(deps.metrics, settings.statName, deps.worker, settings.tls !== null);
  }

  get name(): string {
    return this.settings.name;
  }

  /** Where it listens once it is bound, where it is to listen before. */
  get address(): HostPort {
    return this.#port?.address ?? this.settings.address;
  }

  /** Whether connections come in: bound, and not closed since. */
  get isOpen(): boolean {
    return this.#port?.isUsedBy(this) === true;
  }

  get activeConnections(): number {
    return this.#connections.size;
  }

  /**
   * Owns the address; connections wait until `serve`. `replaces` on the same address hands its socket over. Rejects with CompileError
   * in Envoy's words: `cannot bind '127.0.0.1:9096': Address already in use`. `at`: its address with the port that the kernel chose
   * for another process.
   */
  async bind(replaces: Listener | null, at: HostPort = this.settings.address): Promise<void> {
    const shared = replaces && this.isAtAddressOf(replaces) ? replaces.#port : null;
    this.#port = shared ?? (await BoundPort.open(at, this.settings.backlog, this.#deps.listen, this.#deps.logger));
    this.#port.use(this);
  }

  /** Whether both are configured for the same address: one then takes over the socket of the other. */
  isAtAddressOf(other: Listener): boolean {
    return formatHostPort(this.settings.address) === formatHostPort(other.settings.address);
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
    const { clock, connections } = this.#deps;
    if (this.#connections.size >= this.#maxConnections || (connections?.isReached && !this.settings.ignoresGlobalLimit)) {
      const { downstreamCxOverflow, downstreamGlobalCxOverflow } = this.#stats;
      (this.#connections.size >= this.#maxConnections ? downstreamCxOverflow : downstreamGlobalCxOverflow).value += 1;
      socket.destroy();
      return;
    }
    connections?.opened();
    const startMs = clock.monotonicMs();
    this.#stats.downstreamCxTotal.value += 1;
    this.#stats.downstreamCxActive.value += 1;
    this.#stats.workerCxTotal.value += 1;
    this.#stats.workerCxActive.value += 1;
    const remote = formatHostPort({ host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
    const local = formatHostPort({ host: socket.localAddress ?? '', port: socket.localPort ?? 0 });
    const onClosed = (): void => {
      this.#connections.delete(connection);
      connections?.closed();
      this.#stats.downstreamCxActive.value -= 1;
      this.#stats.workerCxActive.value -= 1;
      this.#stats.downstreamCxDestroy.value += 1;
      this.#stats.downstreamCxLengthMs.record(clock.monotonicMs() - startMs);
      if (this.#connections.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
    };
    const { filter, tls } = this.settings;
    const connection: ActiveConnection = tls
      ? this.#secure({ socket, remote }, tls, onClosed, (secured) =>
          filter.accept({ socket: secured, remote, local, tls: { alpn: secured.alpnProtocol || '' } }, onClosed),
        )
      : filter.accept({ socket, remote, local, tls: null }, onClosed);
    this.#connections.add(connection);
  }

  /** A handshake first; `accept` has the connection after it. */
  #secure(
    { socket, remote }: { readonly socket: Socket; readonly remote: string },
    tls: TlsServer,
    onClosed: () => void,
    accept: (socket: TLSSocket) => ActiveConnection,
  ): ActiveConnection {
    const { handshakeTimeoutMs } = this.settings;
    const { ssl, downstreamCxTransportSocketConnectTimeout } = this.#stats;
    const { clock, logger } = this.#deps;
    const events: SecuringEvents = {
      onSecured: (secured) => {
        ssl?.onSecured(secured);
        return accept(secured);
      },
      onFailed: ({ code, message }) => {
        ssl?.onFailed(code);
        logger.debug('listener.handshake_failed', { listener: this.name, remote }, message);
        if (code === 'TLS_TIMEOUT') downstreamCxTransportSocketConnectTimeout.value += 1;
        onClosed();
      },
      onCut: onClosed,
    };
    return new SecuringConnection(clock, events, (handshake) => tls.accept(socket, handshakeTimeoutMs, clock, handshake));
  }
}
