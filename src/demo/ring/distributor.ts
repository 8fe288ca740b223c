import type { Clock, HostPort, Service } from '../../core/index.ts';
import { HttpPages } from '../http-pages.ts';
import { ringPages } from './ring-pages.ts';
import { SampleRing } from './sample-ring.ts';

export interface DistributorOptions {
  readonly listen: HostPort;
  /** With this many members known the ring is shown; before that, only after `joinMs`. */
  readonly expect: number;
}

/** Heartbeats come every 5 s: by then whoever is alive has announced itself. */
const JOIN_MS = 6_000;

/** Stands where Tempo's distributor does: it has both rings and shows them. */
export class SampleDistributor implements Service {
  readonly name = 'sample distributor';
  readonly #clock: Clock;
  readonly #options: DistributorOptions;
  readonly #pages: HttpPages;
  #startedMs = 0;
  #hasJoined = false;
  #address: HostPort;

  constructor(options: DistributorOptions, clock: Clock) {
    this.#clock = clock;
    this.#options = options;
    this.#address = options.listen;
    const ring = new SampleRing(clock);
    this.#pages = new HttpPages(
      ringPages(ring, () => {
        // Once shown, a ring stays shown: members come and go, but the key is there.
        this.#hasJoined ||= ring.instances().length >= this.#options.expect || this.#clock.monotonicMs() - this.#startedMs >= JOIN_MS;
        return this.#hasJoined;
      }),
    );
  }

  /** Where it listens; the real port after `start`. */
  get address(): HostPort {
    return this.#address;
  }

  async start(): Promise<void> {
    this.#startedMs = this.#clock.monotonicMs();
    this.#address = await this.#pages.listen(this.#options.listen);
  }

  stop(): Promise<void> {
    return this.#pages.close();
  }
}
