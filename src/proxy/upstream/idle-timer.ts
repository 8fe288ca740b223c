import { type Clock, startFairTimer, type Timer } from '../../core/index.ts';

/** Calls `onTimeout` once nothing was touched for `ms`. Touching costs a clock reading and arms nothing. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onTimeout: () => void;
  #lastMs: number;
  #timer: Timer;

  constructor(clock: Clock, ms: number, onTimeout: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onTimeout = onTimeout;
    this.#lastMs = clock.monotonicMs();
    this.#timer = this.#arm(ms);
  }

  touch(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #arm(ms: number): Timer {
    return startFairTimer(this.#clock, ms, () => {
      const left = this.#lastMs + this.#ms - this.#clock.monotonicMs();
      if (left > 0) this.#timer = this.#arm(left);
      else this.#onTimeout();
    });
  }
}
