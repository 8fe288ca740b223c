import type { Clock, Timer } from '../core/index.ts';

/** How long an answer may wait for other frames. */
const MAX_WAIT_MS = 5;

/**
 * When the answer to a PING leaves: with the next frames while streams are open, which will have some. At once where none is open, where
 * octets wait for the peer's window, which it may be measuring, and where another answer waits already, so that they cannot pile up.
 * grpc-go sends a PING with almost every call; in writes of their own the answers were half of all writes and a sixth of the CPU time
 * (bench:engine, g2).
 */
export class PingAnswer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #isUndecided = false;
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
    this.#isUndecided = true;
  }

  readOver(mayWait: boolean): void {
    if (!this.#isUndecided) return;
    this.#isUndecided = false;
    if (!mayWait || this.isWaiting) this.#wake();
    else this.#timer = this.#clock.after(MAX_WAIT_MS, this.#wake);
  }

  /** All that was written leaves. */
  left(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
