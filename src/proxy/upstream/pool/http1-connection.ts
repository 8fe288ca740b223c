import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../../core/index.ts';
import { createHttp1Client } from '../../../http1/index.ts';
import type { Http1ClientConnection } from '../../../http1/types.ts';
import type { Http2Stream, StreamHandler } from '../../../http2/types.ts';
import type { Host, PoolOwner } from '../../cluster/index.ts';
import { ConnectionAccount } from './connection-account.ts';

export interface Http1ConnectionEvents {
  onAvailable(): void;
  onClosed(): void;
}

/** One established HTTP/1.1 connection to a host: one request at a time, closed when idle for too long or used often enough. */
export class PooledHttp1Connection {
  readonly #connection: Http1ClientConnection;
  readonly #owner: PoolOwner;
  readonly #clock: Clock;
  readonly #account: ConnectionAccount;
  #requests = 0;
  #idle: Timer | undefined;

  constructor(socket: Duplex, host: Host, owner: PoolOwner, clock: Clock, events: Http1ConnectionEvents) {
    this.#owner = owner;
    this.#clock = clock;
    this.#account = new ConnectionAccount(host, owner, clock);
    const { settings, stats } = owner;
    const options = { ...settings.http1.options, streamBufferLimit: settings.bufferLimit };
    this.#connection = createHttp1Client(socket, options, {
      onAvailable: () => {
        if (this.#isWornOut) this.#connection.destroy();
        else {
          this.#armIdle();
          events.onAvailable();
        }
      },
      onCloseNotify: () => {
        stats.upstreamCxCloseNotify.value += 1;
      },
      onProtocolError: () => {
        stats.upstreamCxProtocolError.value += 1;
      },
      onClose: () => {
        this.#idle?.cancel();
        this.#account.close(this.#connection);
        events.onClosed();
      },
    });
    this.#armIdle();
  }

  get acceptsStreams(): boolean {
    return this.#connection.acceptsStreams;
  }

  openStream(handler: StreamHandler): Http2Stream | undefined {
    this.#account.count(this.#connection);
    const stream = this.#connection.openStream(handler);
    if (!stream) return undefined;
    this.#idle?.cancel();
    this.#requests += 1;
    if (this.#isWornOut) this.#owner.stats.upstreamCxMaxRequests.value += 1;
    return stream;
  }

  close(): void {
    this.#connection.destroy();
  }

  /** max_requests_per_connection is met. */
  get #isWornOut(): boolean {
    const { maxRequests } = this.#owner.settings.http1;
    return maxRequests > 0 && this.#requests >= maxRequests;
  }

  #armIdle(): void {
    const { idleTimeoutMs } = this.#owner.settings.http1;
    if (idleTimeoutMs === null) return;
    this.#idle = this.#clock.after(idleTimeoutMs, () => {
      this.#owner.stats.upstreamCxIdleTimeout.value += 1;
      this.#connection.destroy();
    });
  }
}
