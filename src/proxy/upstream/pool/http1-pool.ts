import type { Duplex } from 'node:stream';
import type { RingwayError } from '../../../core/index.ts';
import type { Connecting } from '../../../transport/index.ts';
import type { Host, PoolOwner } from '../../cluster/index.ts';
import type { HostPool, StreamRequest } from '../../cluster/types.ts';
import { connectHost } from '../connect-host.ts';
import { transportReason } from '../failure.ts';
import { PooledHttp1Connection } from './http1-connection.ts';
import type { HostPoolDeps } from './types.ts';
import { WaitingRequests } from './waiting-requests.ts';

/** HTTP/1.1: each request has a connection of its own while it runs. Idle ones are kept; the one used last is used next. */
export class Http1Pool implements HostPool {
  readonly #host: Host;
  readonly #owner: PoolOwner;
  readonly #deps: HostPoolDeps;
  readonly #waiting: WaitingRequests;
  readonly #connections = new Set<PooledHttp1Connection>();
  readonly #idle: PooledHttp1Connection[] = [];
  readonly #pending = new Set<Connecting>();
  #onDrained: (() => void) | undefined;

  constructor(host: Host, owner: PoolOwner, deps: HostPoolDeps) {
    this.#host = host;
    this.#owner = owner;
    this.#deps = deps;
    this.#waiting = new WaitingRequests(host, owner);
  }

  open(request: StreamRequest): void {
    if (this.#waiting.isOverflow(request)) return;
    if (this.#waiting.length === 0 && this.#serve(request)) return;
    if (this.#waiting.add(request)) this.#grow();
  }

  cancel(request: StreamRequest): void {
    this.#waiting.remove(request);
    this.#endIfDrained();
  }

  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#endIfDrained();
  }

  close(): void {
    for (const connecting of [...this.#pending]) this.#forget(connecting);
    this.#waiting.fail('remote connection failure', 'the cluster was removed');
    for (const connection of [...this.#connections]) connection.close();
  }

  /** Gives the request an idle connection, if there is one that still lives. */
  #serve(request: StreamRequest): boolean {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      const stream = connection.openStream(request.handler);
      if (!stream) continue;
      request.onReady(stream);
      return true;
    }
    return false;
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0 && this.#idle.some(({ acceptsStreams }) => acceptsStreams)) {
      const request = this.#waiting.take() as StreamRequest;
      if (this.#waiting.isOverflow(request)) continue;
      if (!this.#serve(request)) this.#waiting.add(request);
    }
    this.#grow();
    this.#endIfDrained();
  }

  /** As many connections are made as requests wait. */
  #grow(): void {
    while (this.#pending.size < this.#waiting.length) {
      const { connections } = this.#owner.breakers.default;
      if (!connections.canCreate) {
        this.#owner.stats.upstreamCxOverflow.value += 1;
        // as in Envoy a host may have its first connection whatever the limit says: nothing else would end the wait
        if (this.#connections.size + this.#pending.size > 0) return;
      }
      this.#connect();
    }
  }

  #connect(): void {
    const { stats, breakers } = this.#owner;
    breakers.default.connections.inc();
    stats.upstreamCxTotal.value += 1;
    stats.upstreamCxHttp1Total.value += 1;
    stats.upstreamCxActive.value += 1;
    this.#host.cxTotal += 1;
    this.#host.cxActive += 1;
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    const connecting = connectHost(this.#deps, this.#host, this.#owner, {
      onConnected: (socket) => {
        stats.upstreamCxConnectMs.record(clock.monotonicMs() - startMs);
        this.#pending.delete(connecting);
        this.#onConnected(socket);
      },
      onFailed: (error) => this.#onFailed(connecting, error),
    });
    this.#pending.add(connecting);
  }

  #onConnected(socket: Duplex): void {
    const connection = new PooledHttp1Connection(socket, this.#host, this.#owner, this.#deps.clock, {
      onAvailable: () => this.#onAvailable(connection),
      onClosed: () => this.#onClosed(connection),
    });
    this.#connections.add(connection);
    this.#onAvailable(connection);
  }

  #onAvailable(connection: PooledHttp1Connection): void {
    this.#idle.push(connection);
    this.#serveWaiting();
  }

  /** Who waits for a host that cannot be reached decides for itself what to do. */
  #onFailed(connecting: Connecting, error: RingwayError): void {
    const { stats } = this.#owner;
    const isTimeout = error.code === 'CONNECT_TIMEOUT';
    this.#forget(connecting);
    stats.upstreamCxConnectFail.value += 1;
    if (isTimeout) stats.upstreamCxConnectTimeout.value += 1;
    this.#host.cxConnectFail += 1;
    this.#waiting.fail(isTimeout ? 'connection timeout' : 'remote connection failure', transportReason(error));
    this.#endIfDrained();
  }

  #forget(connecting: Connecting): void {
    connecting.cancel();
    if (!this.#pending.delete(connecting)) return;
    const { stats, breakers } = this.#owner;
    stats.upstreamCxActive.value -= 1;
    stats.upstreamCxDestroy.value += 1;
    this.#host.cxActive -= 1;
    breakers.default.connections.dec();
  }

  #onClosed(connection: PooledHttp1Connection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#serveWaiting();
  }

  /** While draining: what is idle goes once nobody waits for it, and the pool is done when nothing is left. */
  #endIfDrained(): void {
    const onDrained = this.#onDrained;
    if (!onDrained || this.#waiting.length > 0) return;
    for (const connecting of [...this.#pending]) this.#forget(connecting);
    for (const connection of this.#idle.splice(0)) connection.close();
    if (this.#connections.size > 0) return;
    this.#onDrained = undefined;
    onDrained();
  }
}
