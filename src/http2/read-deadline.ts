import type { Clock, Timer } from '../core/index.ts';

/** What a peer has begun and must finish: the client's preface with its SETTINGS, or a header block of several frames. */
export type Awaited = 'preface' | 'headers';

/** Time for what the peer must finish. One thing at a time: header blocks come after the preface. */
export class ReadDeadline {
  readonly #clock: Clock;
  readonly #onLate: (what: Awaited) => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, onLate: (what: Awaited) => void) {
    this.#clock = clock;
    this.#onLate = onLate;
  }

  begin(what: Awaited, ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => this.#onLate(what));
  }

  /** It came, or nobody waits for it any more. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
