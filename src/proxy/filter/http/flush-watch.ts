import type { Http2Connection } from '../../../http2/types.ts';
import type { IdleSweep, Sweepable } from '../idle-sweep.ts';

/** What stream_flush_timeout watches of an HTTP/2 connection: answers that are whole but not read, for once to twice that time. */
export class FlushWatch implements Sweepable {
  lastTick = 0;
  sweepSlot = -1;
  readonly idleTimeoutMs: number | null;
  readonly #sweep: IdleSweep<Sweepable>;
  readonly #connection: Http2Connection;

  constructor(sweep: IdleSweep<Sweepable>, flushTimeoutMs: number | null, connection: Http2Connection) {
    this.#sweep = sweep;
    this.#connection = connection;
    this.idleTimeoutMs = flushTimeoutMs;
    sweep.add(this);
  }

  stop(): void {
    this.#sweep.remove(this);
  }

  onIdle(): void {
    this.lastTick = this.#sweep.tick;
    this.#connection.dropStalled();
  }
}
