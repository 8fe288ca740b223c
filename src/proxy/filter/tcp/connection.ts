import type { Duplex } from 'node:stream';
import { type Connecting, leaveBehind } from '../../../transport/index.ts';
import { type AccessLogger, RequestRecord, type ResponseFlag } from '../../access-log/index.ts';
import { chooseCluster } from '../../route/index.ts';
import type { ClusterChoice } from '../../route/types.ts';
import { connectTcp, type TcpUpstream } from '../../upstream/index.ts';
import type { FilterDeps } from '../deps.ts';
import type { IdleSweep, Sweepable } from '../idle-sweep.ts';
import type { Accepted, ActiveConnection } from '../types.ts';
import type { TcpStats } from './stats.ts';

/** A compiled TcpProxy. */
export interface TcpSettings {
  readonly cluster: ClusterChoice;
  /** idle_timeout; 1 h; null: none. */
  readonly idleTimeoutMs: number | null;
  /** max_connect_attempts; 1. */
  readonly maxConnectAttempts: number;
  readonly accessLogs: readonly AccessLogger[];
}

/** What all connections of one tcp_proxy share. */
export interface TcpContext {
  readonly settings: TcpSettings;
  readonly deps: FilterDeps;
  readonly stats: TcpStats;
  readonly sweep: IdleSweep<Sweepable>;
}

/** How far it is. */
type State =
  | { readonly kind: 'connecting'; readonly connecting: Connecting | undefined }
  | { readonly kind: 'piping'; readonly upstream: TcpUpstream }
  | { readonly kind: 'over' };

/** One TCP connection passed on byte for byte; each direction ends on its own. */
export class TcpConnection implements ActiveConnection, Sweepable {
  lastTick = 0;
  sweepSlot = -1;
  readonly idleTimeoutMs: number | null;
  readonly #context: TcpContext;
  readonly #socket: Duplex;
  readonly #onClosed: () => void;
  readonly #record: RequestRecord;
  #state: State = { kind: 'connecting', connecting: undefined };

  constructor(context: TcpContext, accepted: Accepted, onClosed: () => void) {
    this.#context = context;
    this.#socket = accepted.socket;
    this.#onClosed = onClosed;
    this.idleTimeoutMs = context.settings.idleTimeoutMs;
    const { clock } = context.deps;
    this.#record = new RequestRecord({ startedAtMs: clock.nowMs(), startMs: clock.monotonicMs() }, accepted);
    context.stats.downstreamCxTotal.value += 1;
    context.sweep.add(this);
    this.#socket.allowHalfOpen = true;
    this.#socket.on('error', () => this.close());
    this.#socket.once('close', () => this.#end('DC'));
    // not before the listener has the connection in hand
    queueMicrotask(() => this.#connect());
  }

  /** A stream of bytes cannot be told to go: it runs until it ends or the time is over. */
  drain(deadlineMs: number): void {
    const timer = this.#context.deps.clock.after(deadlineMs, () => this.close());
    this.#socket.once('close', () => timer.cancel());
  }

  close(): void {
    this.#socket.destroy();
  }

  onIdle(): void {
    this.#context.stats.idleTimeout.value += 1;
    this.#record.details = 'idle_timeout';
    this.close();
  }

  #connect(): void {
    const { settings, deps, stats } = this.#context;
    if (this.#state.kind !== 'connecting') return;
    const name = chooseCluster(settings.cluster, [], deps.random);
    const cluster = deps.currentConfig().clusters.get(name);
    if (!cluster) {
      stats.downstreamCxNoRoute.value += 1;
      this.#refuse('NC');
      return;
    }
    this.#record.upstreamCluster = name;
    const connecting = connectTcp(deps, cluster, settings.maxConnectAttempts, {
      onConnected: (upstream) => this.#pipe(upstream),
      onFailed: (failure) => {
        if (failure.kind === 'connection failure') {
          this.#record.upstreamHost = failure.host.address;
          this.#record.upstreamFailure = failure.reason;
        }
        this.#refuse(failure.kind === 'no host' ? 'UH' : failure.kind === 'overflow' ? 'UO' : 'UF');
      },
    });
    if (this.#state.kind === 'connecting') this.#state = { kind: 'connecting', connecting };
  }

  #pipe(upstream: TcpUpstream): void {
    const { host, socket } = upstream;
    this.#state = { kind: 'piping', upstream };
    this.#record.upstreamHost = host.address;
    socket.allowHalfOpen = true;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      upstream.release();
      // what is still on its way down may arrive; nothing goes up any more
      this.#socket.end(() => this.#socket.destroy());
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#count(upstream, chunk.length, 0);
      leaveBehind(chunk);
    });
    socket.on('data', (chunk: Buffer) => {
      this.#count(upstream, 0, chunk.length);
      leaveBehind(chunk);
    });
    this.#socket.pipe(socket);
    socket.pipe(this.#socket);
  }

  #count(upstream: TcpUpstream, received: number, sent: number): void {
    upstream.count(received, sent);
    this.lastTick = this.#context.sweep.tick;
    this.#record.bytesReceived += received;
    this.#record.bytesSent += sent;
    this.#context.stats.downstreamCxRxBytesTotal.value += received;
    this.#context.stats.downstreamCxTxBytesTotal.value += sent;
  }

  #refuse(flag: ResponseFlag): void {
    this.#end(flag);
    this.#socket.destroy();
  }

  #end(flag: ResponseFlag): void {
    const state = this.#state;
    if (state.kind === 'over') return;
    this.#state = { kind: 'over' };
    const { sweep, deps, settings } = this.#context;
    if (state.kind === 'connecting') {
      state.connecting?.cancel();
      this.#record.setFlag(flag);
    } else this.#letGo(state.upstream.socket);
    sweep.remove(this);
    this.#record.endMs = deps.clock.monotonicMs();
    for (const log of settings.accessLogs) log(this.#record);
    this.#onClosed();
  }
  /** Of a caller that has said all it had to say, the host may still get the last of it, in its time; of others both ends go at once. */
  #letGo(socket: Duplex): void {
    if (!this.#socket.readableEnded || !this.#socket.writableFinished) socket.destroy();
    if (socket.destroyed || this.idleTimeoutMs === null) return;
    const timer = this.#context.deps.clock.after(this.idleTimeoutMs, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  }
}
