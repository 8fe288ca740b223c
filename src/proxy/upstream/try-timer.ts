import type { Clock, Timer } from '../../core/index.ts';

/** Later than this part of its time means that this process stood still, not that the host did. */
const LATE = 0.25;
/** Long enough for the event loop to read what has come meanwhile. */
const GRACE_MS = 1;

/**
 * Calls `onTimeout` after `ms`. When this process was held up itself (garbage, a busy machine), answers may wait unread in sockets: then
 * it looks once more after they were read, so that a stall of ours neither asks other hosts nor blames this one.
 */
export function startTryTimer(clock: Clock, ms: number, onTimeout: () => void): Timer {
  const dueMs = clock.monotonicMs() + ms;
  let timer = clock.after(ms, () => {
    if (clock.monotonicMs() - dueMs <= ms * LATE) onTimeout();
    else timer = clock.after(GRACE_MS, onTimeout);
  });
  return { cancel: () => timer.cancel() };
}

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
    return startTryTimer(this.#clock, ms, () => {
      const left = this.#lastMs + this.#ms - this.#clock.monotonicMs();
      if (left > 0) this.#timer = this.#arm(left);
      else this.#onTimeout();
    });
  }
}
