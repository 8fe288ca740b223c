import type { Clock, Timer } from '../../../core/index.ts';

/** Runs something at once when it was not run lately, else once, later. */
export class Pace {
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #run: () => void;
  #nextMs = 0;
  #waiting: Timer | null = null;

  constructor(everyMs: number, clock: Clock, run: () => void) {
    this.#everyMs = everyMs;
    this.#clock = clock;
    this.#run = run;
  }

  wanted(): void {
    if (this.#waiting !== null) return;
    const delayMs = this.#nextMs - this.#clock.monotonicMs();
    if (delayMs <= 0) this.#go();
    else this.#waiting = this.#clock.after(delayMs, () => this.#go());
  }

  stop(): void {
    this.#waiting?.cancel();
  }

  #go(): void {
    this.#waiting = null;
    this.#nextMs = this.#clock.monotonicMs() + this.#everyMs;
    this.#run();
  }
}
