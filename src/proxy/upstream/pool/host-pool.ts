import type { Duplex } from 'node:stream';
import type { Clock, RingwayError } from '../../../core/index.ts';
import { ErrorCode } from '../../../http2/index.ts';
import type { Http2Stream } from '../../../http2/types.ts';
import type { Connecting } from '../../../transport/index.ts';
import type { CreateHostPool, Host, PoolOwner } from '../../cluster/index.ts';
import type { HostPool, StreamRequest } from '../../cluster/types.ts';
import { connectHost } from '../connect-host.ts';
import type { Connect } from '../types.ts';
import { PooledConnection } from './connection.ts';

export interface HostPoolDeps {
  readonly clock: Clock;
  readonly connect: Connect;
}

/** A connection that is being made, and since when. */
interface Pending {
  readonly connecting: Connecting;
  readonly startMs: number;
}

/** Makes the pools of hosts: `ClusterCompilerDeps.createPool`. */
export function createHostPools(deps: HostPoolDeps): CreateHostPool {
  return (host, owner) => new SharedPool(host, owner, deps);
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
  readonly #waiting: StreamRequest[] = [];
  #pending: Pending | undefined;
  #onDrained: (() => void) | undefined;

  constructor(host: Host, owner: PoolOwner, deps: HostPoolDeps) {
    this.#host = host;
    this.#owner = owner;
    this.#deps = deps;
  }

  open(request: StreamRequest): void {
    if (this.#isOverflow(request)) return;
    const stream = this.#waiting.length === 0 ? this.#openStream(request) : undefined;
    if (stream) request.onReady(stream);
    else this.#wait(request);
  }

  cancel(request: StreamRequest): void {
    const at = this.#waiting.indexOf(request);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#stopWaiting(request);
  }

  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#drainIdle();
  }

  close(): void {
    this.#forgetPending();
    for (const request of this.#waiting.splice(0)) {
      this.#stopWaiting(request);
      request.onPoolFailure('remote connection failure', 'the cluster was removed');
    }
    for (const connection of [...this.#connections]) connection.close();
  }

  #isOverflow(request: StreamRequest): boolean {
    if (this.#owner.breakers[request.priority].requests.canCreate) return false;
    this.#owner.stats.upstreamRqActiveOverflow.value += 1;
    request.onPoolFailure('overflow', 'max_requests of the cluster is met');
    return true;
  }

  #openStream(request: StreamRequest): Http2Stream | undefined {
    for (const connection of this.#connections) {
      const stream = connection.openStream(request.handler);
      if (stream) return stream;
    }
    return undefined;
  }

  #wait(request: StreamRequest): void {
    const { breakers, stats } = this.#owner;
    const { pendingRequests } = breakers[request.priority];
    if (!pendingRequests.canCreate) {
      stats.upstreamRqPendingOverflow.value += 1;
      request.onPoolFailure('overflow', 'max_pending_requests of the cluster is met');
      return;
    }
    pendingRequests.inc();
    stats.upstreamRqPendingTotal.value += 1;
    stats.upstreamRqPendingActive.value += 1;
    this.#host.rqPendingActive += 1;
    this.#waiting.push(request);
    this.#grow();
  }

  #stopWaiting(request: StreamRequest): void {
    this.#owner.breakers[request.priority].pendingRequests.dec();
    this.#owner.stats.upstreamRqPendingActive.value -= 1;
    this.#host.rqPendingActive -= 1;
  }

  /** Gives waiting requests to connections as long as there is room. */
  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const request = this.#waiting[0] as StreamRequest;
      const stream = this.#openStream(request);
      if (!stream) break;
      this.#waiting.shift();
      this.#stopWaiting(request);
      if (this.#isOverflow(request)) stream.reset(ErrorCode.CANCEL);
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
    const connection = new PooledConnection(socket, this.#host, this.#owner, clock, {
      onLeaving: () => this.#onLeaving(),
      onAvailable: () => this.#serveWaiting(),
      onClosed: () => this.#onClosed(connection),
    });
    this.#connections.push(connection);
    this.#serveWaiting();
  }

  /** Nobody waits on for a host that cannot be reached: each request decides for itself what to do. */
  #onFailed({ code, message }: RingwayError): void {
    const { stats } = this.#owner;
    const isTimeout = code === 'CONNECT_TIMEOUT';
    this.#forgetPending();
    stats.upstreamCxConnectFail.value += 1;
    if (isTimeout) stats.upstreamCxConnectTimeout.value += 1;
    this.#host.cxConnectFail += 1;
    for (const request of this.#waiting.splice(0)) {
      this.#stopWaiting(request);
      request.onPoolFailure(isTimeout ? 'connection timeout' : 'remote connection failure', message);
    }
    this.#drainIdle();
  }

  #forgetPending(): void {
    if (!this.#pending) return;
    this.#pending.connecting.cancel();
    this.#pending = undefined;
    const { stats, breakers } = this.#owner;
    stats.upstreamCxActive.value -= 1;
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
