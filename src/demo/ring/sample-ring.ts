import type { Clock } from '../../core/index.ts';

/** What a sample live-store says of itself every five seconds, where Tempo's would gossip it. */
export interface Announcement {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly partition: number;
  readonly state: 'ACTIVE' | 'LEAVING';
}

export interface RingInstance extends Omit<Announcement, 'state'> {
  /** LEFT is a tombstone. */
  readonly state: 'ACTIVE' | 'LEAVING' | 'LEFT';
  readonly heartbeatMs: number;
  readonly registeredMs: number;
}

export interface RingOwner {
  readonly id: string;
  readonly partition: number;
  readonly state: 'ACTIVE' | 'DELETED';
  readonly updatedMs: number;
}

/** Tempo's times (live_store.ring.heartbeat_timeout, twice that for auto-forget, memberlist.left_ingesters_timeout). */
const FORGET_AFTER_MS = 120_000;
const TOMBSTONE_MS = 300_000;
export const HEARTBEAT_TIMEOUT_MS = 60_000;

/**
 * Both rings of the sample installation, kept as Tempo keeps them: a live-store that dies looks healthy for 60 s, UNHEALTHY until it is
 * forgotten at 120 s, and stays in the partition ring as an owner for good; one that leaves becomes a tombstone.
 */
export class SampleRing {
  readonly #clock: Clock;
  readonly #instances = new Map<string, RingInstance>();
  readonly #owners = new Map<string, RingOwner>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announce(member: Announcement): void {
    const now = this.#clock.nowMs();
    const known = this.#instances.get(member.id);
    const registeredMs = known && known.state !== 'LEFT' ? known.registeredMs : now;
    this.#instances.set(member.id, { ...member, heartbeatMs: now, registeredMs });
    const owner = this.#owners.get(member.id);
    if (owner?.state !== 'ACTIVE' || owner.partition !== member.partition)
      this.#owners.set(member.id, { id: member.id, partition: member.partition, state: 'ACTIVE', updatedMs: now });
  }

  /** A graceful goodbye; false when nobody of that id is there. */
  leave(id: string): boolean {
    const now = this.#clock.nowMs();
    const instance = this.#instances.get(id);
    const owner = this.#owners.get(id);
    if (!instance || !owner || instance.state === 'LEFT') return false;
    this.#instances.set(id, { ...instance, state: 'LEFT', heartbeatMs: now });
    this.#owners.set(id, { ...owner, state: 'DELETED', updatedMs: now });
    return true;
  }

  /** Instances sorted by id, tombstones included, those too long silent left out. */
  instances(): readonly RingInstance[] {
    const now = this.#clock.nowMs();
    for (const [id, { state, heartbeatMs }] of this.#instances)
      if (now - heartbeatMs > (state === 'LEFT' ? TOMBSTONE_MS : FORGET_AFTER_MS)) this.#instances.delete(id);
    return [...this.#instances.values()].sort(byId);
  }

  /** Owners sorted by id, deleted ones included. */
  owners(): readonly RingOwner[] {
    return [...this.#owners.values()].sort(byId);
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}
