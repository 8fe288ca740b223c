import type { Clock, Timer } from './clock.ts';

/** Cancelled timers that may lie in the heap while few others do. */
const MAX_DEAD = 1024;
const NOTHING = (): void => {};

/**
 * A clock whose timers share one of `clock`'s: those that are armed and cancelled for each request cost a twentieth of a request's CPU time
 * otherwise. Timers fire in the order in which they are due, none early. Timers that keep the process alive go to `clock` itself.
 */
export function sharedTimers(clock: Clock): Clock {
  const heap = new TimerHeap(clock);
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, fn, options) => (options?.keepAlive === true ? clock.after(delayMs, fn, options) : heap.add(delayMs, fn)),
  };
}

class HeapTimer implements Timer {
  fn: () => void;
  readonly dueMs: number;
  /** Of two that are due at once the one armed first fires first. */
  readonly order: number;
  readonly #heap: TimerHeap;

  constructor(heap: TimerHeap, fn: () => void, dueMs: number, order: number) {
    this.#heap = heap;
    this.fn = fn;
    this.dueMs = dueMs;
    this.order = order;
  }

  get isDead(): boolean {
    return this.fn === NOTHING;
  }

  cancel(): void {
    if (this.isDead) return;
    // what it would have called may be large
    this.fn = NOTHING;
    this.#heap.buried();
  }

  isBefore(other: HeapTimer): boolean {
    return this.dueMs < other.dueMs || (this.dueMs === other.dueMs && this.order < other.order);
  }
}

/**
 * A binary heap by due time. Mostly a new timer is due last, which costs one comparison, and is cancelled long before: dead ones stay where
 * they are until they are half of all.
 */
class TimerHeap {
  readonly #clock: Clock;
  #timers: HeapTimer[] = [];
  #dead = 0;
  #order = 0;
  #armed: { readonly dueMs: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(delayMs: number, fn: () => void): Timer {
    const timer = new HeapTimer(this, fn, this.#clock.monotonicMs() + delayMs, this.#order);
    this.#order += 1;
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
    if (this.#timers[0] === timer) this.#arm(delayMs, timer.dueMs);
    return timer;
  }

  /** One more in the heap is dead. */
  buried(): void {
    this.#dead += 1;
    if (this.#dead <= MAX_DEAD || this.#dead * 2 <= this.#timers.length) return;
    this.#timers = this.#timers.filter(({ isDead }) => !isDead);
    this.#dead = 0;
    for (let at = (this.#timers.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  /** The clock's own timer, unless it comes early enough anyhow. */
  #arm(delayMs: number, dueMs: number): void {
    if (this.#armed !== undefined && this.#armed.dueMs <= dueMs) return;
    this.#armed?.timer.cancel();
    this.#armed = { dueMs, timer: this.#clock.after(delayMs, () => this.#fire()) };
  }

  #fire(): void {
    this.#armed = undefined;
    const nowMs = this.#clock.monotonicMs();
    try {
      for (let first = this.#timers[0]; first !== undefined && (first.isDead || first.dueMs <= nowMs); first = this.#timers[0]) {
        this.#removeFirst();
        const { fn, isDead } = first;
        if (isDead) {
          this.#dead -= 1;
          continue;
        }
        first.fn = NOTHING;
        fn();
      }
    } finally {
      // also what stands behind one that threw
      const next = this.#timers[0];
      if (next !== undefined) this.#arm(Math.max(0, next.dueMs - nowMs), next.dueMs);
    }
  }

  #removeFirst(): void {
    const last = this.#timers.pop();
    if (last === undefined || this.#timers.length === 0) return;
    this.#timers[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    const timers = this.#timers;
    const timer = timers[from] as HeapTimer;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = timers[above] as HeapTimer;
      if (!timer.isBefore(parent)) break;
      timers[at] = parent;
      at = above;
    }
    timers[at] = timer;
  }

  #sink(from: number): void {
    const timers = this.#timers;
    const timer = timers[from] as HeapTimer;
    let at = from;
    for (let below = at * 2 + 1; below < timers.length; below = at * 2 + 1) {
      const right = timers[below + 1];
      if (right?.isBefore(timers[below] as HeapTimer)) below += 1;
      const child = timers[below] as HeapTimer;
      if (!child.isBefore(timer)) break;
      timers[at] = child;
      at = below;
    }
    timers[at] = timer;
  }
}
