import type { Http1ServerConnection } from '../../../http1/types.ts';
import type { IdleSweep, Sweepable } from '../idle-sweep.ts';
import type { HttpSettings } from './settings.ts';

/** How often it looks while something lasts: so exact are its times. */
const LOOKS = 4;

/**
 * Watches an HTTP/1.1 connection while no request is served on it: a head that does not get ready, however many octets drip in
 * (request_headers_timeout, else stream_idle_timeout), and an answer that nobody reads (stream_flush_timeout).
 */
export class HeadWatch implements Sweepable {
  lastTick = 0;
  sweepSlot = -1;
  readonly idleTimeoutMs: number | null;
  readonly #sweep: IdleSweep<Sweepable>;
  readonly #connection: Http1ServerConnection;
  readonly #headMs: number;
  readonly #flushMs: number;
  readonly #lookMs: number;
  #waitedMs = 0;
  #written = 0;

  constructor(sweep: IdleSweep<Sweepable>, settings: HttpSettings, connection: Http1ServerConnection) {
    this.#sweep = sweep;
    this.#connection = connection;
    this.#headMs = settings.http2.headersTimeoutMs ?? settings.streamIdleTimeoutMs ?? Number.POSITIVE_INFINITY;
    this.#flushMs = settings.streamFlushTimeoutMs ?? Number.POSITIVE_INFINITY;
    this.#lookMs = Math.min(this.#headMs, this.#flushMs) / LOOKS;
    this.idleTimeoutMs = Number.isFinite(this.#lookMs) ? this.#lookMs : null;
    sweep.add(this);
  }

  /** A request was served, or begins to be. */
  touch(): void {
    this.lastTick = this.#sweep.tick;
    this.#waitedMs = 0;
  }

  stop(): void {
    this.#sweep.remove(this);
  }

  onIdle(): void {
    this.lastTick = this.#sweep.tick;
    const { phase, bytesWritten } = this.#connection;
    const isWaiting = phase === 'head' || (phase === 'flush' && bytesWritten === this.#written);
    this.#written = bytesWritten;
    this.#waitedMs = isWaiting ? this.#waitedMs + this.#lookMs : 0;
    if (phase === 'head' && this.#waitedMs > this.#headMs) this.#connection.expire();
    if (phase === 'flush' && this.#waitedMs > this.#flushMs) this.#connection.destroy();
  }
}
