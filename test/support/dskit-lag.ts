import type { Ring } from '../../src/membership/types.ts';
import type { DskitChange } from './dskit-process.ts';

/** One thing that happened, and how long after dskit a ring of the catalog showed it. */
export interface Lag {
  readonly what: string;
  readonly ms: number;
}

/** What lasts shorter than this nobody has to see. */
const BRIEF_MS = 2000;

/**
 * When things were known first: by those dskit processes that tell it, and by one ring of the catalog. Things are starts of members and
 * their ends; each start has an address of its own, and addresses count up (see addressOf).
 */
class LagBook {
  readonly #begun = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  /** By process and member: the start that it knew last. */
  readonly #told = new Map<string, number>();
  readonly #shown = new Map<string, number>();
  readonly #hidden = new Map<string, number>();
  #before = new Map<string, number>();

  /** What a dskit process says; `process` is unique to it. */
  tell(process: string, { atMs, entry, text }: DskitChange): void {
    const [kind, member = ''] = entry.split(' ');
    if (kind !== 'instance') return;
    const slot = `${process} ${member}`;
    const before = this.#told.get(slot);
    const [, address] = text.split(' ');
    const start = address === undefined ? undefined : startOf(address);
    if (before !== undefined && before !== start) first(this.#ended, `${member} ${before}`, atMs);
    if (start === undefined) this.#told.delete(slot);
    else {
      this.#told.set(slot, start);
      first(this.#begun, `${member} ${start}`, atMs);
    }
  }

  /** What the catalog shows from `atMs` on. A member counts when it has its partition. */
  show({ members }: Ring, atMs: number): void {
    const now = new Map(members.flatMap(({ id, address, partition }) => (partition === null ? [] : [[id, startOf(address)] as const])));
    for (const [id, start] of now) first(this.#shown, `${id} ${start}`, atMs);
    for (const [id, start] of this.#before) if (now.get(id) !== start) first(this.#hidden, `${id} ${start}`, atMs);
    this.#before = now;
  }

  /** How late the catalog was with each thing that lasted. What it never showed has Infinity. */
  lags(): readonly Lag[] {
    const lags: Lag[] = [];
    for (const [what, atMs] of this.#begun) {
      const isBrief = (this.#ended.get(what) ?? Infinity) - atMs < BRIEF_MS;
      if (!this.#shown.has(what) && isBrief) continue;
      lags.push({ what: `${what} begins`, ms: Math.max(0, (this.#shown.get(what) ?? Infinity) - atMs) });
    }
    for (const [what, atMs] of this.#ended)
      if (this.#shown.has(what)) lags.push({ what: `${what} ends`, ms: Math.max(0, (this.#hidden.get(what) ?? Infinity) - atMs) });
    return lags;
  }
}

/** Of one ring of the catalog: how late it is after the peers that its source was told of, and after any process at all. */
export interface RingLags {
  readonly peers: LagBook;
  readonly anyone: LagBook;
}

export function newLags(): RingLags {
  return { peers: new LagBook(), anyone: new LagBook() };
}

/** The address of the start with this number. */
export function addressOf(start: number): string {
  return `10.1.${start >> 8}.${start & 255}:9096`;
}

function startOf(address: string): number {
  const [, , high = 0, low = 0] = address.split(/[.:]/).map(Number);
  return high * 256 + low;
}

function first(times: Map<string, number>, what: string, atMs: number): void {
  times.set(what, Math.min(times.get(what) ?? Infinity, atMs));
}
