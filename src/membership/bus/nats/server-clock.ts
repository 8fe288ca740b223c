import type { Clock } from '../../../core/index.ts';

/** Clocks that differ by less are the same. Longer than an answer takes: what was read before is dated alike when it is read again. */
const NOTABLE_MS = 5_000;

/** How far the clock of the server is behind ours, as far as that is known. */
export class ServerClock {
  readonly #clock: Clock;
  #behindMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** ms; negative when it is ahead. */
  get behindMs(): number {
    return this.#behindMs;
  }

  /**
   * Asks for something that says, in `ts`, when the server answered (nats-server has it from 2.10 on; without it nothing is learned).
   * `stepped`: one of the clocks was set since the last time.
   */
  async compare<T extends object>(ask: () => Promise<T>): Promise<{ readonly answer: T; readonly stepped: boolean }> {
    const askedMs = this.#clock.nowMs();
    const answer: T & { readonly ts?: unknown } = await ask();
    // biome-ignore lint/style/noRestrictedGlobals: reads a text, not the time
    const serverMs = typeof answer.ts === 'string' ? Date.parse(answer.ts) : Number.NaN;
    const behindMs = serverMs < askedMs ? askedMs - serverMs : Math.min(0, this.#clock.nowMs() - serverMs);
    const stepped = Math.abs(behindMs - this.#behindMs) >= NOTABLE_MS;
    if (stepped) this.#behindMs = Math.abs(behindMs) < NOTABLE_MS ? 0 : behindMs;
    return { answer, stepped };
  }

  /** What an operator should know; null when clocks agree. */
  get warning(): string | null {
    if (this.#behindMs === 0) return null;
    const seconds = Math.round(Math.abs(this.#behindMs) / 1000);
    return `is ${seconds} s ${this.#behindMs > 0 ? 'behind' : 'ahead of'} ours; set one of them right`;
  }
}
