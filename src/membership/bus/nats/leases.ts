import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../core/index.ts';
import type { Announcement, MemberState, RingName } from '../../types.ts';
import { HeldLease } from '../lease.ts';
import { assertAnnouncement, encodeRegistration, type Registration } from '../registration.ts';
import { Attempt, callWithin } from './attempt.ts';
import type { NatsLink } from './link.ts';

/** A member's place in the bucket. Its calls run one after the other. */
export class NatsLease extends HeldLease {
  registration: Registration;
  /** What our last write is known as; others' writes make it wrong. */
  revision = 0;
  #calls: Promise<unknown> = Promise.resolve();

  constructor(registration: Registration) {
    super(registration.id);
    this.registration = registration;
  }

  inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#calls.then(call);
    this.#calls = result.catch(() => {});
    return result;
  }
}

export interface LeasesOptions {
  readonly ring: RingName;
  readonly bucket: string;
  readonly link: NatsLink;
  readonly clock: Clock;
}

/** The writing side of a bus over NATS: compare-and-set on one key a member. */
export class NatsLeases {
  readonly #options: LeasesOptions;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** Writes over whatever is there: the newest registration keeps the place. */
  async join(announcement: Announcement): Promise<NatsLease> {
    assertAnnouncement(announcement);
    const { id, address, zone, partition, state } = announcement;
    const session = randomUUID();
    const lease = new NatsLease({ id, address, zone, partition, state, session, registeredMs: this.#options.clock.nowMs() });
    await this.#call(lease, (attempt) => takePlace(attempt, lease));
    return lease;
  }

  /** A state that is another one than before, or null: a heartbeat. */
  write(lease: NatsLease, state: MemberState | null): Promise<void> {
    return lease.inTurn(async () => {
      lease.assertHeld();
      const before = lease.registration;
      const after = { ...before, state: state ?? before.state };
      await this.#call(lease, async (attempt) => {
        const isNew = await keepPlace(attempt, lease, after);
        lease.registration = after;
        if (isNew) attempt.tell(after, { kind: 'joined' });
        else if (after.state !== before.state) attempt.tell(after, { kind: 'state' });
      });
    });
  }

  leave(lease: NatsLease): Promise<void> {
    const isHere = lease.beginLeaving();
    return lease.inTurn(async () => {
      if (!isHere || !lease.beginLeaving()) return;
      await this.#call(lease, async (attempt) => {
        if (await givePlace(attempt, lease)) attempt.tell(lease.registration, { kind: 'left', reason: 'leave' });
        lease.leave();
      });
    });
  }

  #call(lease: NatsLease, work: (attempt: Attempt) => Promise<void>): Promise<void> {
    const { ring, bucket, link, clock } = this.#options;
    return callWithin({ link, clock, what: `nats: member "${lease.id}"` }, (session, timeLeftMs) =>
      work(new Attempt({ session, timeLeftMs, clock, ring, bucket, id: lease.id })),
    );
  }
}

async function takePlace(attempt: Attempt, lease: NatsLease): Promise<void> {
  for (;;) {
    const result = await attempt.write(encodeRegistration(lease.registration), lease.revision);
    lease.revision = result.revision ?? (await attempt.read(null)).revision;
    if (result.kind === 'written') return attempt.tell(lease.registration, { kind: 'joined' });
  }
}

/**
 * Writes over our own last write. When that is not what is there: our last write may have succeeded unheard; what nobody registered
 * (removed after too long a silence, lost, or garbage) is written over; another process's registration ends the lease. True when the
 * member was not there.
 */
async function keepPlace(attempt: Attempt, lease: NatsLease, registration: Registration): Promise<boolean> {
  let isNew = false;
  for (;;) {
    const result = await attempt.write(encodeRegistration(registration), lease.revision);
    if (result.kind === 'written') {
      lease.revision = result.revision;
      return isNew;
    }
    const found = await attempt.read(result.revision);
    if (found.kind === 'registered' && found.registration.session !== registration.session) throw lease.lose();
    isNew = found.kind === 'nothing' || found.kind === 'removed';
    lease.revision = found.revision;
  }
}

/** Removes what we wrote last. False when it is not there any more. */
async function givePlace(attempt: Attempt, lease: NatsLease): Promise<boolean> {
  for (;;) {
    const result = await attempt.write(null, lease.revision);
    if (result.kind === 'written') return true;
    const found = await attempt.read(result.revision);
    if (found.kind === 'nothing' || found.kind === 'removed') return false;
    if (found.kind === 'registered' && found.registration.session !== lease.registration.session) throw lease.lose();
    lease.revision = found.revision;
  }
}
