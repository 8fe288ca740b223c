import type { Http1ServerConnection } from '../../../http1/types.ts';
import type { IdleSweep, Sweepable } from '../idle-sweep.ts';

/**
 * What stream_idle_timeout watches of an HTTP/1.1 connection while no request is served on it: a head that does not get ready, however many
 * octets drip in, and an answer that nobody reads. Each has between half of the time and all of it.
 */
export class HeadWatch implements Sweepable {
  lastTick = 0;
  sweepSlot = -1;
  readonly idleTimeoutMs: number | null;
  readonly #sweep: IdleSweep<Sweepable>;
  readonly #connection: Http1ServerConnection;
  /** Octets written when it was last found waiting; -1 when it was not. */
  #writtenThen = -1;

  constructor(sweep: IdleSweep<Sweepable>, streamIdleTimeoutMs: number | null, connection: Http1ServerConnection) {
    this.#sweep = sweep;
    this.#connection = connection;
    this.idleTimeoutMs = streamIdleTimeoutMs === null ? null : streamIdleTimeoutMs / 2;
    sweep.add(this);
  }

  /** A request was served, or begins to be. */
  touch(): void {
    this.lastTick = this.#sweep.tick;
    this.#writtenThen = -1;
  }

  stop(): void {
    this.#sweep.remove(this);
  }

  onIdle(): void {
    const { phase, bytesWritten } = this.#connection;
    const wasWaiting = this.#writtenThen === bytesWritten;
    this.touch();
    if (phase !== 'head' && phase !== 'flush') return;
    this.#writtenThen = bytesWritten;
    if (!wasWaiting) return;
    if (phase === 'head') this.#connection.expire();
    else this.#connection.destroy();
  }
}
