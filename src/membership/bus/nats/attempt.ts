import { type Clock, sleep } from '../../../core/index.ts';
import type { MemberId, RingName } from '../../types.ts';
import type { Registration } from '../registration.ts';
import { busError, isConnectionLoss, unavailable } from './errors.ts';
import { type MemberEvent, tellEvent } from './events.ts';
import { type NatsLink, REQUEST_MS, type Session } from './link.ts';
import { type Found, readRecord, type WriteResult, writeRecord } from './record.ts';
import { memberSubject, streamOf } from './subjects.ts';

/** A whole call takes no longer than about this. */
const CALL_MS = 5000;
/** How long a call waits for a connection. */
const CONNECT_MS = 2000;
/** A replica that is behind is asked again after this time. */
const STALE_MS = 50;
/** What keeps being changed by others is given up after so many writes. */
const MAX_WRITES = 8;

/** Says how much of a call's time is left, ms; throws `BUS_UNAVAILABLE` when none is. */
type TimeLeft = () => number;

/** Runs `work` over a connection; over the next one if that breaks. Rejects with RingwayError, and in time. */
export async function callWithin(
  { link, clock, what }: { readonly link: NatsLink; readonly clock: Clock; readonly what: string },
  work: (session: Session, timeLeftMs: TimeLeft) => Promise<void>,
): Promise<void> {
  const endMs = clock.monotonicMs() + CALL_MS;
  const timeLeftMs = (): number => {
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) throw unavailable(`${what}: not done in time`);
    return leftMs;
  };
  let spent: Session | null = null;
  for (;;) {
    const session: Session = await link.ready(Math.min(CONNECT_MS, timeLeftMs()), spent);
    try {
      return await work(session, timeLeftMs);
    } catch (error) {
      if (!isConnectionLoss(error)) throw busError(error, what);
      spent = session;
    }
  }
}

export interface AttemptOptions {
  readonly session: Session;
  readonly timeLeftMs: TimeLeft;
  readonly clock: Clock;
  readonly ring: RingName;
  readonly bucket: string;
  readonly id: MemberId;
}

/** What a call does to one member's key, over one connection. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #subject: string;
  #writes = 0;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#subject = memberSubject(options.bucket, options.ring, options.id);
  }

  write(value: Uint8Array | null, expected: number): Promise<WriteResult> {
    const { session, timeLeftMs, id } = this.#options;
    this.#writes += 1;
    if (this.#writes > MAX_WRITES) throw unavailable(`nats: member "${id}": its key is changed by others all the time`);
    return writeRecord(session, this.#subject, value, expected, Math.min(REQUEST_MS, timeLeftMs()));
  }

  /** Reads the key; `atLeast` is the revision that it is known to have, 0 for nothing, null when that is not known. */
  async read(atLeast: number | null): Promise<Found> {
    const { session, timeLeftMs, clock, bucket, id } = this.#options;
    if (atLeast === 0) return { kind: 'nothing', revision: 0 };
    for (;;) {
      const found = await readRecord(session, streamOf(bucket), this.#subject, id);
      if (found.revision >= (atLeast ?? 0)) return found;
      await sleep(clock, Math.min(STALE_MS, timeLeftMs()));
    }
  }

  tell(registration: Registration, event: MemberEvent): void {
    const { session, clock, ring } = this.#options;
    tellEvent(session, ring, registration, event, clock.nowMs());
  }
}
