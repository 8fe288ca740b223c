import { type Clock, follow, type RingwayError, type Timer } from '../../core/index.ts';
import type { BusEvent } from '../types.ts';
import { type News, Roster, type Sighting } from './roster.ts';

/** What a bus tells while it is read. */
export interface RosterListener {
  /** All that is on it: first, and after each interruption. */
  synced(sightings: readonly Sighting[]): void;
  saw(sighting: Sighting): void;
  /** Nothing new, but the bus is there. */
  alive(): void;
  /** It cannot be read; told again for each attempt that fails. An interruption that ends within the last `patienceMs` told is not reported. */
  away(error: RingwayError, patienceMs: number): void;
}

/** The reading side of a bus. */
export interface RosterOrigin {
  /** Reads until the returned function is called, which resolves when nothing is left running. */
  open(listener: RosterListener): () => Promise<void>;
  /** Takes out a member nobody has heard of for too long, unless it was written since. Best effort. */
  forget(member: Extract<Sighting, { readonly kind: 'present' }>): void;
}

/** How events are paced. */
export interface Pace {
  /** Two events with other members are at least this far apart, ms: a thousand joins at once are few events. */
  readonly changeGapMs: number;
  /** Events with nothing but newer heartbeats are at least this far apart, ms. */
  readonly heartbeatGapMs: number;
}

/** What a feed needs besides its origin. */
export interface FeedDeps {
  readonly clock: Clock;
  /** A member without a heartbeat for this long is taken out, ms. */
  readonly forgetAfterMs: number;
  readonly pace: Pace;
}

/** Timers are not finer than this. */
const MIN_WAIT_MS = 10;
/** A clock that jumps, or a timer that is late, by more was set, or the process was stopped. */
const NOTABLE_JUMP_MS = 2_000;

/** What is on a bus, as events: the full set first, changes at once, heartbeats now and then, failures when they last. */
export function rosterFeed(signal: AbortSignal, origin: RosterOrigin, deps: FeedDeps): AsyncIterable<BusEvent> {
  return follow<BusEvent>(signal, (put) => {
    const feed = new RosterFeed(origin, deps, put);
    const close = origin.open(feed);
    return () => {
      feed.stop();
      return close();
    };
  });
}

/** `reported`: a failed event was put. */
type Phase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'reading' }
  | { readonly kind: 'away'; readonly error: RingwayError; readonly sinceMs: number; readonly reported: boolean };

class RosterFeed implements RosterListener {
  readonly #origin: RosterOrigin;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #put: (event: BusEvent) => void;
  readonly #roster: Roster;
  #phase: Phase = { kind: 'starting' };
  #lastEventMs = 0;
  #event: { readonly atMs: number; readonly timer: Timer } | null = null;
  #forgetting: Timer | null = null;
  /** How far wall time is from monotonic time. */
  #clockGapMs: number;

  constructor(origin: RosterOrigin, { clock, forgetAfterMs, pace }: FeedDeps, put: (event: BusEvent) => void) {
    this.#origin = origin;
    this.#clock = clock;
    this.#pace = pace;
    this.#put = put;
    this.#roster = new Roster(forgetAfterMs, clock.nowMs());
    this.#clockGapMs = clock.nowMs() - clock.monotonicMs();
  }

  synced(sightings: readonly Sighting[]): void {
    this.#roster.resume(sightings, this.#clock.nowMs());
    this.#phase = { kind: 'reading' };
    this.#tell();
  }

  saw(sighting: Sighting): void {
    this.#news(this.#roster.take(sighting, this.#clock.nowMs()));
  }

  alive(): void {
    this.#news('heard');
  }

  away(error: RingwayError, patienceMs: number): void {
    const nowMs = this.#clock.nowMs();
    this.#roster.pause(nowMs);
    this.#forgetting?.cancel();
    const { sinceMs, reported } = this.#phase.kind === 'away' ? this.#phase : { sinceMs: nowMs, reported: this.#phase.kind === 'starting' };
    this.#phase = { kind: 'away', error, sinceMs, reported };
    if (reported) this.#tell();
    else this.#plan(sinceMs + patienceMs);
  }

  stop(): void {
    this.#event?.timer.cancel();
    this.#forgetting?.cancel();
  }

  #news(news: News): void {
    if (news === 'nothing' || this.#phase.kind !== 'reading') return;
    this.#tellAt(this.#lastEventMs + (news === 'changed' ? this.#pace.changeGapMs : this.#pace.heartbeatGapMs));
  }

  /** The earlier of this and what is planned. */
  #tellAt(atMs: number): void {
    if (this.#event === null || this.#event.atMs > atMs) this.#plan(atMs);
  }

  #plan(atMs: number): void {
    this.#event?.timer.cancel();
    const waitMs = atMs - this.#clock.nowMs();
    if (waitMs <= 0) this.#tell();
    else this.#event = { atMs, timer: this.#clock.after(waitMs, () => this.#tell()) };
  }

  #tell(): void {
    this.#event?.timer.cancel();
    this.#event = null;
    const nowMs = this.#clock.nowMs();
    this.#lastEventMs = nowMs;
    if (this.#phase.kind === 'away') {
      this.#phase = { ...this.#phase, reported: true };
      this.#put({ kind: 'failed', error: this.#phase.error });
      return;
    }
    const { warning } = this.#roster;
    this.#put({ kind: 'members', members: this.#roster.members(nowMs), asOfMs: nowMs, ...(warning === null ? {} : { warning }) });
    this.#planForgetting(nowMs);
  }

  #planForgetting(nowMs: number): void {
    this.#forgetting?.cancel();
    this.#noticeJump(nowMs);
    const { nextMs } = this.#roster;
    if (nextMs === null) return;
    const waitMs = Math.max(nextMs - nowMs, MIN_WAIT_MS);
    const dueMs = this.#clock.monotonicMs() + waitMs;
    this.#forgetting = this.#clock.after(waitMs, () => {
      const atMs = this.#clock.nowMs();
      this.#noticeJump(atMs);
      if (this.#clock.monotonicMs() - dueMs > NOTABLE_JUMP_MS) this.#roster.listenAnew(atMs);
      const { changed, forgotten } = this.#roster.forget(atMs);
      for (const member of forgotten) this.#origin.forget(member);
      if (changed) this.#tell();
      else this.#planForgetting(atMs);
    });
  }

  #noticeJump(nowMs: number): void {
    const gapMs = nowMs - this.#clock.monotonicMs();
    if (Math.abs(gapMs - this.#clockGapMs) > NOTABLE_JUMP_MS) this.#roster.listenAnew(nowMs);
    this.#clockGapMs = gapMs;
  }
}
