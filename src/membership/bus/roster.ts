import type { Member, MemberId } from '../types.ts';
import { Grace, LONGEST_GRACE_MS } from './grace.ts';
import { ProblemList } from './problem-list.ts';
import type { Registration } from './registration.ts';

/** One thing that was read from a bus; `key` is where it stands there. */
export type Sighting =
  | {
      readonly kind: 'present';
      readonly key: string;
      readonly registration: Registration;
      /** When it was written, Unix ms of the bus's clock. */
      readonly heardMs: number;
      /** Which writing it was. */
      readonly revision: number;
    }
  /** `id` is null when the key names no member. */
  | { readonly kind: 'gone'; readonly key: string; readonly id: MemberId | null }
  | { readonly kind: 'unreadable'; readonly key: string; readonly id: MemberId | null; readonly problem: string };

type Present = Extract<Sighting, { readonly kind: 'present' }>;

interface Entry extends Omit<Present, 'kind'> {
  /** How long the bus was away since then: no heartbeat could be written, so that much of the age is not the member's. */
  readonly excusedMs: number;
  /** The bus came back without it, though nobody has removed it: the bus has lost its memory. */
  readonly vanished: boolean;
}

/** What a sighting means: the members are others (or what is wrong is), only a heartbeat is newer, or nothing. */
export type News = 'changed' | 'heard' | 'nothing';

/** Shorter interruptions excuse nobody. */
const NOTABLE_MS = 1000;
const MAX_MEMBERS = 100_000;

/**
 * Who is on a bus, from what was read of it; time comes in. While the bus is away (`pause`) nothing ages. When it is back (`resume`), those
 * whose heartbeats stopped because it was away, and those it no longer knows because it lost its memory, count as before until they have
 * had time to announce themselves again (Grace); what was written or removed in the meantime counts at once.
 */
export class Roster {
  readonly #forgetAfterMs: number;
  readonly #entries = new Map<MemberId, Entry>();
  /** Last heartbeats of forgotten members: read again, they are no news. */
  readonly #forgotten = new Map<MemberId, number>();
  readonly #problems = new ProblemList();
  #order: readonly MemberId[] | null = null;
  #tooMany = false;
  #awaySinceMs: number | null;
  #grace: Grace | null = null;
  /** Nobody is forgotten before this reader has listened for a while itself. */
  #forgetFromMs = 0;

  /** Begins paused. */
  constructor(forgetAfterMs: number, nowMs: number) {
    this.#forgetAfterMs = forgetAfterMs;
    this.#awaySinceMs = nowMs;
  }

  /** The bus cannot be read any more. */
  pause(nowMs: number): void {
    this.#awaySinceMs ??= nowMs;
  }

  /** The bus can be read again, and this is all that is on it. */
  resume(sightings: readonly Sighting[], nowMs: number): void {
    const sinceMs = this.#awaySinceMs ?? nowMs;
    const excusedMs = nowMs - sinceMs < NOTABLE_MS ? 0 : nowMs - sinceMs;
    const before = new Map(this.#entries);
    const seen = new Set(sightings.map((sighting) => (sighting.kind === 'present' ? sighting.registration.id : sighting.id)));
    this.#awaySinceMs = null;
    this.#grace = null;
    this.#problems.clear();
    for (const sighting of sightings) this.take(sighting, nowMs);
    const waiting = new Set<MemberId>();
    for (const [id, entry] of this.#entries) {
      const known = before.get(id);
      if (entry.heardMs > (known?.heardMs ?? sinceMs)) continue;
      const aged = { ...entry, excusedMs: (known?.excusedMs ?? 0) + excusedMs, vanished: !seen.has(id) };
      if (aged.excusedMs === 0 && !aged.vanished) continue;
      waiting.add(id);
      this.#entries.set(id, aged);
    }
    this.#grace = waiting.size === 0 ? null : new Grace(waiting, Math.max(before.size, waiting.size), nowMs);
    this.listenAnew(nowMs);
  }

  /** What was not heard until now says nothing: nobody was there to hear it, or the clock was set. */
  listenAnew(nowMs: number): void {
    this.#forgetFromMs = nowMs + Math.min(LONGEST_GRACE_MS, this.#forgetAfterMs);
  }

  take(sighting: Sighting, nowMs: number): News {
    if (sighting.kind === 'unreadable') return this.#problems.add(sighting.key, sighting.problem) ? 'changed' : 'nothing';
    const solved = this.#problems.solve(sighting.key);
    const news = sighting.kind === 'gone' ? this.#gone(sighting.id, nowMs) : this.#put(sighting, nowMs);
    return solved ? 'changed' : news;
  }

  /** Ends the grace when it is time, and takes out, and returns, those nobody has heard of for too long. */
  forget(nowMs: number): { readonly changed: boolean; readonly forgotten: readonly Present[] } {
    if (this.#awaySinceMs !== null) return { changed: false, forgotten: [] };
    const changed = this.#endGrace(nowMs);
    if (nowMs < this.#forgetFromMs) return { changed, forgotten: [] };
    const silent = [...this.#entries.values()].filter(({ heardMs }) => nowMs - heardMs >= this.#forgetAfterMs);
    for (const { registration, heardMs } of silent) {
      this.#remove(registration.id, nowMs);
      if (this.#forgotten.size < MAX_MEMBERS) this.#forgotten.set(registration.id, heardMs);
    }
    const forgotten = silent.map(
      ({ key, registration, heardMs, revision }): Present => ({ kind: 'present', key, registration, heardMs, revision }),
    );
    return { changed: changed || forgotten.length > 0, forgotten };
  }

  /** When `forget` may have something to do, Unix ms; null while it has not. */
  get nextMs(): number | null {
    if (this.#awaySinceMs !== null) return null;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { heardMs } of this.#entries.values()) firstMs = Math.min(firstMs, heardMs);
    const nextMs = Math.min(Math.max(firstMs + this.#forgetAfterMs, this.#forgetFromMs), this.#grace?.endMs ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(nextMs) ? nextMs : null;
  }

  /** In order of id. */
  members(nowMs: number): readonly Member[] {
    this.#order ??= [...this.#entries.keys()].sort();
    return this.#order.flatMap((id) => {
      const entry = this.#entries.get(id);
      return entry === undefined ? [] : memberOf(entry, nowMs);
    });
  }

  /** What is wrong without losing the whole, in one line. */
  get warning(): string | null {
    const notes = [this.#problems.text, this.#tooMany ? `more than ${MAX_MEMBERS} members, the rest is left out` : null];
    return notes.filter((note) => note !== null).join('; ') || null;
  }

  #put({ key, registration, heardMs: writtenMs, revision }: Present, nowMs: number): News {
    const { id } = registration;
    const heardMs = Math.min(writtenMs, nowMs);
    const known = this.#entries.get(id);
    if (known === undefined) {
      if (this.#forgotten.get(id) === heardMs) return 'nothing';
      this.#forgotten.delete(id);
      this.#tooMany = this.#entries.size >= MAX_MEMBERS;
      if (this.#tooMany) return 'nothing';
      this.#order = null;
    }
    this.#entries.set(id, { key, registration, heardMs, revision, excusedMs: 0, vanished: false });
    if (known === undefined) return 'changed';
    if (heardMs > known.heardMs) this.#grace?.settle(id, nowMs);
    return isSame(known.registration, registration) ? 'heard' : 'changed';
  }

  #gone(id: MemberId | null, nowMs: number): News {
    return id === null ? 'nothing' : this.#remove(id, nowMs);
  }

  #remove(id: MemberId, nowMs: number): News {
    this.#forgotten.delete(id);
    this.#grace?.settle(id, nowMs);
    if (!this.#entries.delete(id)) return 'nothing';
    this.#order = null;
    return 'changed';
  }

  #endGrace(nowMs: number): boolean {
    if (this.#grace === null || nowMs < this.#grace.endMs) return false;
    const { waiting } = this.#grace;
    this.#grace = null;
    for (const id of waiting) {
      const entry = this.#entries.get(id);
      if (entry?.vanished) this.#remove(id, nowMs);
      else if (entry !== undefined) this.#entries.set(id, { ...entry, excusedMs: 0 });
    }
    return waiting.size > 0;
  }
}

function memberOf({ registration, heardMs, excusedMs }: Entry, nowMs: number): Member {
  const { id, address, zone, partition, state, registeredMs } = registration;
  return {
    id,
    address,
    zone,
    partition,
    state,
    heartbeatMs: Math.min(nowMs, heardMs + excusedMs),
    registeredMs: Math.min(registeredMs, heardMs),
  };
}

function isSame(a: Registration, b: Registration): boolean {
  return a === b || (['address', 'zone', 'partition', 'state', 'session', 'registeredMs'] as const).every((field) => a[field] === b[field]);
}
