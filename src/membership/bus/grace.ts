import type { MemberId } from '../types.ts';

/** After this time without one more member that re-announces itself, the rest are judged, if half have done so. */
const QUIET_MS = 1500;
/** After this time the rest are judged. */
export const LONGEST_GRACE_MS = 30_000;

/** The members that were there when a bus went away and have not been heard of since it is back: they are given time to be heard. */
export class Grace {
  readonly #waiting: Set<MemberId>;
  readonly #members: number;
  readonly #sinceMs: number;
  #lastHeardMs: number;

  /** `members`: how many there were, with those that have been heard of already. */
  constructor(waiting: ReadonlySet<MemberId>, members: number, nowMs: number) {
    this.#waiting = new Set(waiting);
    this.#members = members;
    this.#sinceMs = nowMs;
    this.#lastHeardMs = nowMs;
  }

  get waiting(): ReadonlySet<MemberId> {
    return this.#waiting;
  }

  /** It is there, or it is known to be gone. */
  settle(id: MemberId, nowMs: number): void {
    if (this.#waiting.delete(id)) this.#lastHeardMs = nowMs;
  }

  /** When those who still wait are judged, Unix ms; nobody has to be heard before. */
  get endMs(): number {
    if (this.#waiting.size === 0) return this.#lastHeardMs;
    const longestMs = this.#sinceMs + LONGEST_GRACE_MS;
    return this.#waiting.size * 2 <= this.#members ? Math.min(this.#lastHeardMs + QUIET_MS, longestMs) : longestMs;
  }
}
