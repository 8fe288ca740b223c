import { type Clock, follow, Observable, type ReadonlyObservable, RingwayError } from '../../core/index.ts';
import type { Announcement, BusEvent, Lease, Member, MemberId, MemberState, MembershipBus } from '../types.ts';

/** What a bus within one process is made of. */
export interface MemoryBusOptions {
  readonly clock: Clock;
  /** Whether the bus can be reached: lets a test take it away and give it back. Default: always. */
  readonly connected?: ReadonlyObservable<boolean>;
}

/** One member's place, and the only lease that may write it. */
interface Place {
  readonly lease: MemoryLease;
  readonly member: Member;
}

class MemoryLease implements Lease {
  readonly id: MemberId;
  readonly #losing = new AbortController();
  left = false;

  constructor(id: MemberId) {
    this.id = id;
  }

  get lost(): AbortSignal {
    return this.#losing.signal;
  }

  lose(): void {
    this.#losing.abort(lost(this.id));
  }
}

/** A bus of one ring within one process: members and readers share the object. For tests, and for programs that announce themselves to their own Ringway. */
export function createMemoryBus({ clock, connected = new Observable(true) }: MemoryBusOptions): MembershipBus {
  const places = new Map<MemberId, Place>();
  const readers = new Set<() => void>();
  const changed = (): void => {
    for (const tell of readers) tell();
  };
  const check = (): void => {
    if (!connected.value) throw unavailable();
  };
  const placeOf = (lease: Lease): Place => {
    check();
    const place = places.get(lease.id);
    if (place?.lease !== lease) throw lost(lease.id);
    return place;
  };
  const write = async (lease: Lease, state: MemberState | null): Promise<void> => {
    const { member, ...rest } = placeOf(lease);
    places.set(lease.id, { ...rest, member: { ...member, state: state ?? member.state, heartbeatMs: clock.nowMs() } });
    changed();
  };

  return {
    connected,
    async join(announcement: Announcement) {
      check();
      const lease = new MemoryLease(announcement.id);
      const nowMs = clock.nowMs();
      places.get(lease.id)?.lease.lose();
      const { id, address, zone, partition, state } = announcement;
      places.set(id, { lease, member: { id, address, zone, partition, state, heartbeatMs: nowMs, registeredMs: nowMs } });
      changed();
      return lease;
    },
    setState: write,
    heartbeat: (lease) => write(lease, null),
    async leave(lease) {
      if (lease instanceof MemoryLease && lease.left) return;
      placeOf(lease).lease.left = true;
      places.delete(lease.id);
      changed();
    },
    watch: (signal) =>
      follow<BusEvent>(signal, (put) => {
        const tell = (): void => put(connected.value ? eventOf(places, clock.nowMs()) : { kind: 'failed', error: unavailable() });
        readers.add(tell);
        const unsubscribe = connected.subscribe(tell);
        tell();
        return async () => {
          readers.delete(tell);
          unsubscribe();
        };
      }),
    close: async () => {},
  };
}

function eventOf(places: ReadonlyMap<MemberId, Place>, asOfMs: number): BusEvent {
  const members = [...places.values()].map(({ member }) => member).sort((a, b) => (a.id < b.id ? -1 : 1));
  return { kind: 'members', members, asOfMs };
}

function unavailable(): RingwayError {
  return new RingwayError('membership bus: not connected', { code: 'BUS_UNAVAILABLE' });
}

function lost(id: MemberId): RingwayError {
  return new RingwayError(`member "${id}": another process has taken its place`, { code: 'LEASE_LOST' });
}
