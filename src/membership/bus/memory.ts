import { type Clock, Observable, type ReadonlyObservable, RingwayError } from '../../core/index.ts';
import type { Lease, MemberId, MemberState, MembershipBus } from '../types.ts';
import { assertOwn, HeldLease } from './lease.ts';
import { assertAnnouncement, type Registration } from './registration.ts';
import type { Sighting } from './roster.ts';
import { type Pace, type RosterListener, type RosterOrigin, rosterFeed } from './roster-feed.ts';

/** What a bus within one process is made of. */
export interface MemoryBusOptions {
  readonly clock: Clock;
  /** Whether the bus can be reached: lets a test take it away and give it back. Default: always. */
  readonly connected?: ReadonlyObservable<boolean>;
  /** A member without a heartbeat for this long is taken out while somebody watches, ms. Default 2 minutes. */
  readonly forgetAfterMs?: number;
}

/** One member's place, and the only lease that may write it. */
interface Place {
  readonly lease: HeldLease;
  readonly registration: Registration;
  readonly heardMs: number;
  readonly revision: number;
}

/** An interruption that ends within this time is not reported. */
const PATIENCE_MS = 1000;
/** Whoever watches is asked for no more than it takes: follow keeps the newest event only. */
const UNPACED: Pace = { changeGapMs: 0, heartbeatGapMs: 0 };

/** A bus of one ring within one process: members and readers share the object. For tests, and for a program that is its own Ringway. */
export function createMemoryBus({ clock, connected = new Observable(true), forgetAfterMs = 120_000 }: MemoryBusOptions): MembershipBus {
  const places = new Map<MemberId, Place>();
  const listeners = new Set<RosterListener>();
  const closing = new AbortController();
  let revision = 0;

  const check = (): void => {
    if (closing.signal.aborted || !connected.value) throw unavailable();
  };
  const tell = (sighting: Sighting): void => {
    if (connected.value) for (const listener of listeners) listener.saw(sighting);
  };
  const write = (lease: HeldLease, registration: Registration): void => {
    revision += 1;
    const place: Place = { lease, registration, heardMs: clock.nowMs(), revision };
    places.set(lease.id, place);
    tell(sightingOf(place));
  };
  const remove = (id: MemberId): void => {
    if (places.delete(id)) tell({ kind: 'gone', key: id, id });
  };
  const registrations = new WeakMap<HeldLease, Registration>();
  const rewrite = async (lease: Lease, state: MemberState | null): Promise<void> => {
    assertOwn(lease, HeldLease);
    lease.assertHeld();
    check();
    const known = registrations.get(lease) as Registration;
    const registration = { ...known, state: state ?? known.state };
    registrations.set(lease, registration);
    write(lease, registration);
  };
  const origin: RosterOrigin = {
    open(listener) {
      const look = (): void => {
        if (connected.value) listener.synced([...places.values()].map(sightingOf));
        else listener.away(unavailable(), PATIENCE_MS);
      };
      listeners.add(listener);
      const unsubscribe = connected.subscribe(look);
      look();
      return async () => {
        listeners.delete(listener);
        unsubscribe();
      };
    },
    forget: (member) => {
      if (places.get(member.registration.id)?.revision === member.revision) remove(member.registration.id);
    },
  };

  return {
    connected,
    async join(announcement) {
      assertAnnouncement(announcement);
      check();
      const lease = new HeldLease(announcement.id);
      places.get(lease.id)?.lease.lose();
      const registration = { ...announcement, session: `${revision + 1}`, registeredMs: clock.nowMs() };
      registrations.set(lease, registration);
      write(lease, registration);
      return lease;
    },
    setState: rewrite,
    heartbeat: (lease) => rewrite(lease, null),
    async leave(lease) {
      assertOwn(lease, HeldLease);
      if (!lease.beginLeaving()) return;
      check();
      lease.leave();
      remove(lease.id);
    },
    watch: (signal) => rosterFeed(AbortSignal.any([signal, closing.signal]), origin, { clock, forgetAfterMs, pace: UNPACED }),
    close: async () => closing.abort(),
  };
}

function sightingOf({ registration, heardMs, revision }: Place): Sighting {
  return { kind: 'present', key: registration.id, registration, heardMs, revision };
}

function unavailable(): RingwayError {
  return new RingwayError('membership bus: cannot be reached', { code: 'BUS_UNAVAILABLE' });
}
