import { Backoff, type Random, type RingwayError } from '../../../core/index.ts';

/** At most this far apart: whoever comes back has a second and a half to be heard before others judge it. */
const SOON = { baseMs: 125, maxMs: 1000 };
/** What somebody has to mend is tried less and less often: servers log each refusal. A moment at first, for a server that still starts. */
const SELDOM = { baseMs: 250, maxMs: 10_000 };

/** How long to wait after one more failure. */
export class RetryPace {
  readonly #soon: Backoff;
  readonly #seldom: Backoff;

  constructor(random: Random) {
    this.#soon = new Backoff(SOON, random);
    this.#seldom = new Backoff(SELDOM, random);
  }

  nextMs({ code }: RingwayError): number {
    if (code === 'BUS_REFUSED') return this.#seldom.nextMs();
    this.#seldom.reset();
    return this.#soon.nextMs();
  }

  reset(): void {
    this.#soon.reset();
    this.#seldom.reset();
  }
}
