import type { Clock, Timer } from '../core/index.ts';

/** How long an answer may wait for other frames. */
const MAX_WAIT_MS = 5;

/**
 * When the answer to a PING leaves: with the next frames while streams are open, which will have some, else at once. grpc-go sends a PING
 * with almost every call, to measure its window; in writes of their own the answers were half of all writes and a sixth of the CPU time
 * (bench:engine, g2).
 */
export class PingAnswer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #isNew = false;
  #timer: Timer | undefined;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** It waits for other frames. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** It was written; `readOver` says whether it may wait. */
  written(): void {
    this.#isNew = true;
  }

  readOver(mayWait: boolean): void {
    if (!this.#isNew) return;
    this.#isNew = false;
    if (!mayWait) this.#wake();
    else this.#timer ??= this.#clock.after(MAX_WAIT_MS, this.#wake);
  }

  /** All that was written leaves. */
  left(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
