import type { Duplex } from 'node:stream';
import type { Clock, RingwayError } from '../../core/index.ts';
import type { Connecting } from '../../transport/index.ts';
import type { Cluster, Host } from '../cluster/index.ts';
import { connectHost } from './connect-host.ts';
import { transportReason } from './failure.ts';
import type { Connect } from './types.ts';

/** A connection to a host of a cluster, counted among the cluster's until `release`. */
export interface TcpUpstream {
  readonly host: Host;
  readonly socket: Duplex;
  /** So many more octets went to the host, and came from it. */
  count(toHost: number, fromHost: number): void;
  release(): void;
}

/** Why there is none; texts for %UPSTREAM_TRANSPORT_FAILURE_REASON%. */
export type TcpFailure =
  | { readonly kind: 'no host' }
  | { readonly kind: 'overflow' }
  | { readonly kind: 'connection failure'; readonly host: Host; readonly reason: string };

export interface TcpConnectEvents {
  onConnected(upstream: TcpUpstream): void;
  onFailed(failure: TcpFailure): void;
}

interface ConnectorDeps {
  readonly clock: Clock;
  readonly connect: Connect;
}

/**
 * Connects to a host of `cluster`, to another one when that fails, `maxAttempts` times in all. One event comes, perhaps before this
 * returns; none after `cancel`.
 */
export function connectTcp(deps: ConnectorDeps, cluster: Cluster, maxAttempts: number, events: TcpConnectEvents): Connecting {
  const connector = new TcpConnector(deps, cluster, maxAttempts, events);
  connector.next();
  return connector;
}

class TcpConnector implements Connecting {
  readonly #deps: ConnectorDeps;
  readonly #cluster: Cluster;
  readonly #events: TcpConnectEvents;
  #left: number;
  #current: { readonly connecting: Connecting; readonly host: Host; readonly startMs: number } | undefined;

  constructor(deps: ConnectorDeps, cluster: Cluster, maxAttempts: number, events: TcpConnectEvents) {
    this.#deps = deps;
    this.#cluster = cluster;
    this.#left = maxAttempts;
    this.#events = events;
  }

  next(): void {
    const { stats, breakers } = this.#cluster;
    const host = this.#cluster.pick();
    if (!host) {
      stats.upstreamCxNoneHealthy.value += 1;
      this.#events.onFailed({ kind: 'no host' });
      return;
    }
    if (!breakers.default.connections.canCreate) {
      stats.upstreamCxOverflow.value += 1;
      this.#events.onFailed({ kind: 'overflow' });
      return;
    }
    this.#left -= 1;
    this.#take(host);
    const connecting = connectHost(this.#deps, host, this.#cluster, {
      onConnected: (socket) => this.#onConnected(host, socket),
      onFailed: (error) => this.#onFailed(error),
    });
    this.#current = { connecting, host, startMs: this.#deps.clock.monotonicMs() };
  }

  cancel(): void {
    if (!this.#current) return;
    const { connecting, host } = this.#current;
    this.#current = undefined;
    connecting.cancel();
    this.#release(host);
  }

  #onConnected(host: Host, socket: Duplex): void {
    const { stats } = this.#cluster;
    const { clock } = this.#deps;
    const connectedMs = clock.monotonicMs();
    if (this.#current) stats.upstreamCxConnectMs.record(connectedMs - this.#current.startMs);
    this.#current = undefined;
    host.monitor?.onConnected();
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      stats.upstreamCxLengthMs.record(clock.monotonicMs() - connectedMs);
      this.#release(host);
    };
    const count = (toHost: number, fromHost: number): void => {
      stats.upstreamCxTxBytesTotal.value += toHost;
      stats.upstreamCxRxBytesTotal.value += fromHost;
    };
    this.#events.onConnected({ host, socket, count, release });
  }

  #onFailed(error: RingwayError): void {
    const current = this.#current;
    if (!current) return;
    this.cancel();
    const { host } = current;
    this.#cluster.stats.upstreamCxConnectFail.value += 1;
    if (error.code === 'CONNECT_TIMEOUT') this.#cluster.stats.upstreamCxConnectTimeout.value += 1;
    host.cxConnectFail += 1;
    host.monitor?.onFailure('connection');
    if (this.#left > 0) this.next();
    else this.#events.onFailed({ kind: 'connection failure', host, reason: transportReason(error) });
  }

  #take(host: Host): void {
    const { stats, breakers } = this.#cluster;
    breakers.default.connections.inc();
    stats.upstreamCxTotal.value += 1;
    stats.upstreamCxActive.value += 1;
    host.cxTotal += 1;
    host.cxActive += 1;
  }

  #release(host: Host): void {
    const { stats, breakers } = this.#cluster;
    breakers.default.connections.dec();
    stats.upstreamCxActive.value -= 1;
    stats.upstreamCxDestroy.value += 1;
    host.cxActive -= 1;
  }
}
