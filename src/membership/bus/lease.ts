import { RingwayError } from '../../core/index.ts';
import type { Lease, MemberId } from '../types.ts';

/**
 * `held`: it may write. `leaving`: `leave` was called and has not succeeded yet. `left`: it has. `lost`: another process has the place.
 * The only ways are held → leaving → left, and from the first two to lost.
 */
type LeasePhase = 'held' | 'leaving' | 'left' | 'lost';

/** A lease as a bus keeps it. */
export class HeldLease implements Lease {
  readonly id: MemberId;
  readonly #losing = new AbortController();
  #phase: LeasePhase = 'held';

  constructor(id: MemberId) {
    this.id = id;
  }

  get lost(): AbortSignal {
    return this.#losing.signal;
  }

  get phase(): LeasePhase {
    return this.#phase;
  }

  /** Throws `LEASE_LOST` when it may not write. */
  assertHeld(): void {
    if (this.#phase === 'lost') throw this.lost.reason;
    if (this.#phase !== 'held') throw new RingwayError(`member "${this.id}": has left`, { code: 'LEASE_LOST' });
  }

  /** Throws `LEASE_LOST` when another process has the place. False when it has left already. */
  beginLeaving(): boolean {
    if (this.#phase === 'lost') throw this.lost.reason;
    if (this.#phase === 'left') return false;
    this.#phase = 'leaving';
    return true;
  }

  leave(): void {
    this.#phase = 'left';
  }

  /** Returns what `lost` aborts with. */
  lose(): RingwayError {
    const reason = new RingwayError(`member "${this.id}": another process has taken its place`, { code: 'LEASE_LOST' });
    this.#phase = 'lost';
    this.#losing.abort(reason);
    return reason;
  }
}

/** Throws when the lease is not one of this bus. */
export function assertOwn<T extends HeldLease>(lease: Lease, kind: new (...args: never[]) => T): asserts lease is T {
  if (!(lease instanceof kind)) throw new TypeError(`the lease of member "${lease.id}" is of another bus`);
}
