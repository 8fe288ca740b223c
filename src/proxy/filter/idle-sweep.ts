import type { Clock, Timer } from '../../core/index.ts';

/** Something that must not be idle for too long. */
export interface Sweepable {
  /** The sweep's tick at which it last did anything: it sets this itself, from `IdleSweep.tick`. */
  lastTick: number;
  /** null: for as long as it likes. */
  readonly idleTimeoutMs: number | null;
  onIdle(): void;
}

/** Ticks in the timeout that most members have: what is idle is found an eighth of it too late at most, and never more than a second. */
const TICKS = 8;
const MAX_TICK_MS = 1000;

/**
 * Finds what has been idle for too long with one timer for all: being busy costs a field write, not a timer. The timer only runs while
 * there is something to watch.
 */
export class IdleSweep<Member extends Sweepable> {
  /** Counts up while the sweep runs. */
  tick = 0;
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #members = new Set<Member>();
  #timer: Timer | undefined;

  /** `usualMs`: the timeout that most members have. */
  constructor(clock: Clock, usualMs: number) {
    this.#clock = clock;
    this.#tickMs = Math.max(1, Math.min(MAX_TICK_MS, usualMs / TICKS));
  }

  add(member: Member): void {
    member.lastTick = this.tick;
    this.#members.add(member);
    this.#arm();
  }

  remove(member: Member): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(this.#tickMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    this.tick += 1;
    for (const member of this.#members) {
      const { idleTimeoutMs } = member;
      if (idleTimeoutMs !== null && (this.tick - member.lastTick) * this.#tickMs > idleTimeoutMs) member.onIdle();
    }
    if (this.#members.size > 0) this.#arm();
  }
}
