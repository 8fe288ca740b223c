import type { Clock } from '../../../core/index.ts';

/** Clocks may differ by this much without a warning. */
const NOTABLE_MS = 5_000;
/** When the difference has changed by this much, what was read before is of another clock. */
const STEP_MS = 5_000;

/** How far the clock of a server is behind ours, ms; negative when it is ahead. Exact to the time that its answer took. */
export class ServerClock {
  readonly behindMs: number;

  constructor(behindMs: number) {
    this.behindMs = behindMs;
  }

  /** Asks for something that says, in `ts`, when the server answered (nats-server has it from 2.10 on; without it: 0). */
  static async compare<T extends object>(clock: Clock, ask: () => Promise<T>): Promise<{ readonly answer: T; readonly time: ServerClock }> {
    const askedMs = clock.nowMs();
    const answer: T & { readonly ts?: unknown } = await ask();
    // biome-ignore lint/style/noRestrictedGlobals: reads a text, not the time
    const serverMs = typeof answer.ts === 'string' ? Date.parse(answer.ts) : Number.NaN;
    const behindMs = serverMs < askedMs ? askedMs - serverMs : Math.min(0, clock.nowMs() - serverMs);
    return { answer, time: new ServerClock(Number.isNaN(behindMs) ? 0 : behindMs) };
  }

  /** What an operator should know; null when clocks agree. */
  get warning(): string | null {
    if (Math.abs(this.behindMs) < NOTABLE_MS) return null;
    const seconds = Math.round(Math.abs(this.behindMs) / 1000);
    return `is ${seconds} s ${this.behindMs > 0 ? 'behind' : 'ahead of'} ours; set one of them right`;
  }

  /** One of the clocks was set in between. */
  hasSteppedFrom(earlier: ServerClock): boolean {
    return Math.abs(this.behindMs - earlier.behindMs) >= STEP_MS;
  }
}
