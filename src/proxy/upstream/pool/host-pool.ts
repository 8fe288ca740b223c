import type { Duplex } from 'node:stream';
import type { RingwayError } from '../../../core/index.ts';
import { ErrorCode } from '../../../http2/index.ts';
import type { Http2Stream } from '../../../http2/types.ts';
import type { Connecting } from '../../../transport/index.ts';
import type { CreateHostPool, Host, PoolOwner } from '../../cluster/index.ts';
import type { HostPool, StreamRequest } from '../../cluster/types.ts';
import { connectHost } from '../connect-host.ts';
import { transportReason } from '../failure.ts';
import { PooledConnection } from './connection.ts';
import { Http1Pool } from './http1-pool.ts';
import type { HostPoolDeps } from './types.ts';
import { WaitingRequests } from './waiting-requests.ts';

/** A connection that is being made, and since when. */
interface Pending {
  readonly connecting: Connecting;
  readonly startMs: number;
}

/** Makes the pools of hosts: `ClusterCompilerDeps.createPool`. */
export function createHostPools(deps: HostPoolDeps): CreateHostPool {
  return (host, owner) => (owner.settings.protocol === 'HTTP1' ? new Http1Pool(host, owner, deps) : new SharedPool(host, owner, deps));
}

/**
 * All requests to a host share one connection: small writes of many requests then leave together. Another one is only made when the
 * host's own limit of streams is met, or when the connection takes no more (GOAWAY).
 */
class SharedPool implements HostPool {
  readonly #host: Host;
  readonly #owner: PoolOwner;
  readonly #deps: HostPoolDeps;
  readonly #connections: PooledConnection[] = [];
  readonly #waiting: WaitingRequests;
  #pending: Pending | undefined;
  #onDrained: (() => void) | undefined;

  constructor(host: Host, owner: PoolOwner, deps: HostPoolDeps) {
    this.#host = host;
    this.#owner = owner;
    this.#deps = deps;
    this.#waiting = new WaitingRequests(host, owner);
  }

  open(request: StreamRequest): void {
    if (this.#waiting.isOverflow(request)) return;
    const stream = this.#waiting.length === 0 ? this.#openStream(request) : undefined;
    if (stream) request.onReady(stream);
    else if (this.#waiting.add(request)) this.#grow();
  }

  cancel(request: StreamRequest): void {
    this.#waiting.remove(request);
  }

  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#drainIdle();
  }

  close(): void {
    this.#forgetPending();
    this.#waiting.fail('remote connection failure', 'the cluster was removed');
    for (const connection of [...this.#connections]) connection.close();
  }

  #openStream(request: StreamRequest): Http2Stream | undefined {
    for (const connection of this.#connections) {
      const stream = connection.openStream(request.handler);
      if (stream) return stream;
    }
    return undefined;
  }

  /** Gives waiting requests to connections as long as there is room. */
  #serveWaiting(): void {
    for (let request = this.#waiting.first; request; request = this.#waiting.first) {
      const stream = this.#openStream(request);
      if (!stream) break;
      this.#waiting.take();
      if (this.#waiting.isOverflow(request)) stream.reset(ErrorCode.CANCEL);
      else request.onReady(stream);
    }
    if (this.#waiting.length > 0) this.#grow();
    this.#drainIdle();
  }

  /** Begins a connection unless one is under way, or one is there already and the limit of connections is met. */
  #grow(): void {
    if (this.#pending) return;
    const { stats, breakers } = this.#owner;
    const { connections } = breakers.default;
    if (!connections.canCreate) {
      stats.upstreamCxOverflow.value += 1;
      // Envoy, too, lets a host have its first connection whatever the limit says
      if (this.#connections.some(({ acceptsStreams }) => acceptsStreams)) return;
    }
    connections.inc();
    stats.upstreamCxTotal.value += 1;
    stats.upstreamCxHttp2Total.value += 1;
    stats.upstreamCxActive.value += 1;
    this.#host.cxTotal += 1;
    this.#host.cxActive += 1;
    const connecting = connectHost(this.#deps, this.#host, this.#owner, {
      onConnected: (socket) => this.#onConnected(socket),
      onFailed: (error) => this.#onFailed(error),
    });
    this.#pending = { connecting, startMs: this.#deps.clock.monotonicMs() };
  }

  #onConnected(socket: Duplex): void {
    const { clock } = this.#deps;
    if (this.#pending) this.#owner.stats.upstreamCxConnectMs.record(clock.monotonicMs() - this.#pending.startMs);
    this.#pending = undefined;
    const connection = new PooledConnection(socket, this.#host, this.#owner, this.#deps, {
      onLeaving: () => this.#onLeaving(),
      onAvailable: () => this.#serveWaiting(),
      onClosed: () => this.#onClosed(connection),
    });
    this.#connections.push(connection);
    this.#serveWaiting();
  }

  /** Nobody waits on for a host that cannot be reached: each request decides for itself what to do. */
  #onFailed(error: RingwayError): void {
    const { stats } = this.#owner;
    const isTimeout = error.code === 'CONNECT_TIMEOUT';
    this.#forgetPending();
    stats.upstreamCxConnectFail.value += 1;
    if (isTimeout) stats.upstreamCxConnectTimeout.value += 1;
    this.#host.cxConnectFail += 1;
    this.#waiting.fail(isTimeout ? 'connection timeout' : 'remote connection failure', transportReason(error));
    this.#drainIdle();
  }

  #forgetPending(): void {
    if (!this.#pending) return;
    this.#pending.connecting.cancel();
    this.#pending = undefined;
    const { stats, breakers } = this.#owner;
    stats.upstreamCxActive.value -= 1;
    stats.upstreamCxDestroy.value += 1;
    this.#host.cxActive -= 1;
    breakers.default.connections.dec();
  }

  #onLeaving(): void {
    if (this.#waiting.length > 0) this.#grow();
  }

  #onClosed(connection: PooledConnection): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    this.#serveWaiting();
  }

  /** While draining: connections end once nobody waits for them, and the pool is done when none is left. */
  #drainIdle(): void {
    const onDrained = this.#onDrained;
    if (!onDrained || this.#waiting.length > 0) return;
    this.#forgetPending();
    for (const connection of this.#connections) if (connection.acceptsStreams) connection.drain();
    if (this.#connections.length > 0) return;
    this.#onDrained = undefined;
    onDrained();
  }
}
