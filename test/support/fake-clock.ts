import type { Clock, Timer } from '../../src/core/index.ts';

interface Armed {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that only moves when told. `advance` fires timers in order of their time and lets promises settle between them. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #armed = new Set<Armed>();

  constructor(startMs = 1_795_260_970_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const armed: Armed = { atMs: this.#nowMs + delayMs, order: this.#order++, fn };
    this.#armed.add(armed);
    return { cancel: () => this.#armed.delete(armed) };
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#armed.size;
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#armed.delete(next);
      this.#nowMs = next.atMs;
      next.fn();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** Time passes while the process stands still: afterwards every timer that was due fires, late. */
  async oversleep(byMs: number): Promise<void> {
    this.#nowMs += byMs;
    for (let next = this.#next(this.#nowMs); next; next = this.#next(this.#nowMs)) {
      this.#armed.delete(next);
      next.fn();
      await settle();
    }
  }

  #next(untilMs: number): Armed | undefined {
    let found: Armed | undefined;
    for (const armed of this.#armed) {
      if (armed.atMs > untilMs) continue;
      if (!found || armed.atMs < found.atMs || (armed.atMs === found.atMs && armed.order < found.order)) found = armed;
    }
    return found;
  }
}

/** Lets every promise that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
