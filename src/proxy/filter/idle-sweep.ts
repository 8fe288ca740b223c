import type { Clock, Timer } from '../../core/index.ts';

/** Something that must not be idle for too long. */
export interface Sweepable {
  /** The sweep's tick at which it last did anything: it sets this itself, from `IdleSweep.tick`. */
  lastTick: number;
  /** Its place in the sweep, which keeps it here; -1 while it is in none. */
  sweepSlot: number;
  /** null: for as long as it likes. */
  readonly idleTimeoutMs: number | null;
  onIdle(): void;
}

/** Ticks in the timeout that most members have: what is idle is found an eighth of it too late at most, and never more than a second. */
const TICKS = 8;
const MAX_TICK_MS = 1000;

/**
 * Finds what has been idle for too long with one timer for all: being busy costs a field write, coming and going a slot in a list. The
 * timer runs on when the last member leaves, as the next one mostly follows, and ends at a tick that finds none.
 */
export class IdleSweep<Member extends Sweepable> {
  /** Counts up while the sweep runs. */
  tick = 0;
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #members: Member[] = [];
  #timer: Timer | undefined;

  /** `usualMs`: the timeout that most members have. */
  constructor(clock: Clock, usualMs: number) {
    this.#clock = clock;
    this.#tickMs = Math.max(1, Math.min(MAX_TICK_MS, usualMs / TICKS));
  }

  add(member: Member): void {
    member.lastTick = this.tick;
    member.sweepSlot = this.#members.length;
    this.#members.push(member);
    this.#timer ??= this.#arm();
  }

  /** Does nothing for what is not in the sweep. */
  remove(member: Member): void {
    const slot = member.sweepSlot;
    if (slot < 0) return;
    member.sweepSlot = -1;
    const last = this.#members.pop();
    if (last === undefined || last === member) return;
    this.#members[slot] = last;
    last.sweepSlot = slot;
  }

  #arm(): Timer {
    return this.#clock.after(this.#tickMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    this.tick += 1;
    // backwards: who leaves meanwhile is replaced by one that was looked at
    for (let slot = this.#members.length - 1; slot >= 0; slot -= 1) {
      const member = this.#members[slot];
      if (!member || member.idleTimeoutMs === null) continue;
      if ((this.tick - member.lastTick) * this.#tickMs > member.idleTimeoutMs) member.onIdle();
    }
    if (this.#members.length > 0) this.#timer ??= this.#arm();
  }
}
