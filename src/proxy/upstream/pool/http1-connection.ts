import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../../core/index.ts';
import { createHttp1Client } from '../../../http1/index.ts';
import type { Http1ClientConnection } from '../../../http1/types.ts';
import type { Http2Stream, StreamHandler } from '../../../http2/types.ts';
import type { Host, PoolOwner } from '../../cluster/index.ts';

export interface Http1ConnectionEvents {
  onAvailable(): void;
  onClosed(): void;
}

/** One established HTTP/1.1 connection to a host: one request at a time, closed when idle for too long or used often enough. */
export class PooledHttp1Connection {
  readonly #connection: Http1ClientConnection;
  readonly #owner: PoolOwner;
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #startMs: number;
  #requests = 0;
  #idle: Timer | undefined;
  #countedRead = 0;
  #countedWritten = 0;

  constructor(socket: Duplex, host: Host, owner: PoolOwner, clock: Clock, events: Http1ConnectionEvents) {
    this.#owner = owner;
    this.#host = host;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
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
        this.#onClose();
        events.onClosed();
      },
    });
    this.#armIdle();
  }

  get acceptsStreams(): boolean {
    return this.#connection.acceptsStreams;
  }

  openStream(handler: StreamHandler): Http2Stream | undefined {
    this.#countBytes();
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

  #onClose(): void {
    this.#idle?.cancel();
    this.#countBytes();
    const { stats, breakers } = this.#owner;
    stats.upstreamCxLengthMs.record(this.#clock.monotonicMs() - this.#startMs);
    stats.upstreamCxActive.value -= 1;
    stats.upstreamCxDestroy.value += 1;
    this.#host.cxActive -= 1;
    breakers.default.connections.dec();
  }

  #countBytes(): void {
    const { bytesRead, bytesWritten } = this.#connection;
    const { stats } = this.#owner;
    stats.upstreamCxRxBytesTotal.value += bytesRead - this.#countedRead;
    stats.upstreamCxTxBytesTotal.value += bytesWritten - this.#countedWritten;
    this.#countedRead = bytesRead;
    this.#countedWritten = bytesWritten;
  }
}
