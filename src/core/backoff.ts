import type { Random } from './random.ts';

/** Exponential back-off with full jitter. */
export interface BackoffOptions {
  /** Upper bound of the first delay. */
  readonly baseMs: number;
  /** Upper bound of any delay. */
  readonly maxMs: number;
  /** Lower bound of any delay; 0 unless given. */
  readonly minMs?: number;
}

/** Delays for attempt after attempt: a random value below base · 2ⁿ, capped. `reset` after a success. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #attempt = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  nextMs(): number {
    const ceiling = Math.min(this.#options.maxMs, this.#options.baseMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.max(this.#options.minMs ?? 0, this.#random() * ceiling);
  }

  reset(): void {
    this.#attempt = 0;
  }
}
