import type { Clock } from '../../../core/index.ts';
import type { Host, PoolOwner } from '../../cluster/index.ts';

/** Octets of a connection so far. */
interface Traffic {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What one established connection counts for its host and cluster: octets as they go, and at its end how long it lasted. */
export class ConnectionAccount {
  readonly #host: Host;
  readonly #owner: PoolOwner;
  readonly #clock: Clock;
  readonly #startMs: number;
  #countedRead = 0;
  #countedWritten = 0;

  constructor(host: Host, owner: PoolOwner, clock: Clock) {
    this.#host = host;
    this.#owner = owner;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  /** Counts what passed since the last time. */
  count({ bytesRead, bytesWritten }: Traffic): void {
    const { stats } = this.#owner;
    stats.upstreamCxRxBytesTotal.value += bytesRead - this.#countedRead;
    stats.upstreamCxTxBytesTotal.value += bytesWritten - this.#countedWritten;
    this.#countedRead = bytesRead;
    this.#countedWritten = bytesWritten;
  }

  /** The connection is closed; its place is free. */
  close(traffic: Traffic): void {
    this.count(traffic);
    const { stats, breakers } = this.#owner;
    stats.upstreamCxLengthMs.record(this.#clock.monotonicMs() - this.#startMs);
    stats.upstreamCxActive.value -= 1;
    stats.upstreamCxDestroy.value += 1;
    this.#host.cxActive -= 1;
    breakers.default.connections.dec();
  }
}
