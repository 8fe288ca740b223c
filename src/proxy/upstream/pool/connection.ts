import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../../core/index.ts';
import { createClientConnection, ErrorCode, Http2Error } from '../../../http2/index.ts';
import type { Http2Connection, Http2Stream, StreamHandler } from '../../../http2/types.ts';
import type { Host, PoolOwner } from '../../cluster/index.ts';
import { ConnectionAccount } from './connection-account.ts';
import type { HostPoolDeps } from './types.ts';

/** How long streams of a connection that takes no new ones may go on; whoever retires a cluster cuts sooner. */
const DRAIN_MS = 3_600_000;

export interface PooledConnectionEvents {
  /** Takes no new streams any more: others have to be opened elsewhere. */
  onLeaving(): void;
  onAvailable(): void;
  onClosed(): void;
}

/** One established connection to a host: keepalive, byte counts, its end. */
export class PooledConnection {
  readonly #connection: Http2Connection;
  readonly #owner: PoolOwner;
  readonly #clock: Clock;
  readonly #account: ConnectionAccount;
  #keepalive: Timer | undefined;
  #requests = 0;

  constructor(socket: Duplex, host: Host, owner: PoolOwner, { clock, budget }: HostPoolDeps, events: PooledConnectionEvents) {
    this.#owner = owner;
    this.#clock = clock;
    this.#account = new ConnectionAccount(host, owner, clock);
    const { settings, stats } = owner;
    this.#connection = createClientConnection(
      socket,
      { ...settings.http2, streamBufferLimit: settings.bufferLimit, stats: stats.http2, clock, ...(budget ? { budget } : {}) },
      {
        onStream: () => {
          throw new Error('a server opens no streams');
        },
        onGoAway: () => {
          stats.upstreamCxCloseNotify.value += 1;
          events.onLeaving();
        },
        onAvailable: () => events.onAvailable(),
        onClose: (error) => {
          if (error instanceof Http2Error) stats.upstreamCxProtocolError.value += 1;
          this.#keepalive?.cancel();
          this.#account.close(this.#connection);
          events.onClosed();
        },
      },
    );
    this.#armKeepalive();
  }

  get acceptsStreams(): boolean {
    return this.#connection.acceptsStreams;
  }

  openStream(handler: StreamHandler): Http2Stream | undefined {
    this.#account.count(this.#connection);
    if (!this.#connection.acceptsStreams) return undefined;
    const stream = this.#connection.openStream(handler);
    if (!stream) return undefined;
    this.#requests += 1;
    const { settings, stats } = this.#owner;
    if (this.#requests === settings.maxRequestsPerConnection) {
      stats.upstreamCxMaxRequests.value += 1;
      this.drain();
    } else if (!this.#connection.acceptsStreams) this.drain(); // its stream ids are used up (RFC 9113 §5.1.1)
    return stream;
  }

  drain(): void {
    void this.#connection.drain(DRAIN_MS);
  }

  close(): void {
    this.#connection.destroy();
  }

  /** Pings at every interval; an answer that does not come in time ends the connection (connection_keepalive). */
  #armKeepalive(): void {
    const { keepalive } = this.#owner.settings;
    if (!keepalive) return;
    this.#keepalive = this.#clock.after(keepalive.intervalMs, () => {
      this.#keepalive = this.#clock.after(keepalive.timeoutMs, () => this.#connection.destroy(ErrorCode.NO_ERROR));
      this.#connection.ping(() => {
        this.#keepalive?.cancel();
        if (this.#connection.isOpen) this.#armKeepalive();
      });
    });
  }
}
