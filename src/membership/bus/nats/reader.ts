import { randomUUID } from 'node:crypto';
import { AckPolicy, type ConsumerConfig, DeliverPolicy } from '@nats-io/jetstream';
import { createInbox, type Msg, nanos } from '@nats-io/transport-node';
import type { Clock, RingwayError, Timer } from '../../../core/index.ts';
import type { RingName } from '../../types.ts';
import type { Sighting } from '../roster.ts';
import type { RosterListener } from '../roster-feed.ts';
import { type BucketOptions, checkBucket, ensureBucket } from './bucket.ts';
import { type Delivery, parseDelivery } from './delivery.ts';
import { busError, unavailable } from './errors.ts';
import type { Session } from './link.ts';
import { SightingReader } from './sighting.ts';
import { ringSubjects, streamOf } from './subjects.ts';

export interface ReaderOptions extends BucketOptions {
  readonly ring: RingName;
  readonly inbox: string;
  readonly clock: Clock;
}

/** JetStream says that it is there this often while nothing changes. */
const IDLE_MS = 1000;
/** After so long without a word the reading is begun anew. */
const SILENCE_MS = 3500;
/** After so long without any member's word, and then this often, the bucket is asked whether it can be written at all. */
const NOBODY_MS = 10_000;
const ASK_AGAIN_MS = 5000;
/** This often it is asked anyway: clocks may be set. Well before anybody is forgotten after that (LONGEST_GRACE_MS). */
const ASK_ANYWAY_MS = 10_000;
const CHECK_MS = 500;
/** The server forgets a reading that nobody listens to after this time. */
const INACTIVE_MS = 10_000;
/** More keys than this are not read at the beginning. */
const MAX_KEYS = 200_000;

/**
 * Reads a ring's keys over one connection: all last values first, then each change. Resolves with what ended it: nothing that was
 * missed is asked for again, the next reading begins with all last values.
 */
export async function readBucket(
  session: Session,
  options: ReaderOptions,
  listener: RosterListener,
  signal: AbortSignal,
): Promise<RingwayError> {
  const reader = new BucketReader(session, options, listener);
  const ended = new Promise<RingwayError>((resolve) => {
    const abort = (): void => resolve(unavailable('nats: no longer read'));
    signal.addEventListener('abort', abort, { once: true });
    void session.nc.closed().then(() => resolve(unavailable('nats: the connection ended')));
    reader
      .run()
      .then(resolve, (error: unknown) => resolve(busError(error, `nats: bucket "${options.bucket}"`)))
      .finally(() => signal.removeEventListener('abort', abort));
  });
  const error = await ended;
  reader.stop();
  return error;
}

class BucketReader {
  readonly #session: Session;
  readonly #options: ReaderOptions;
  readonly #listener: RosterListener;
  readonly #sightings: SightingReader;
  /** Until all that was there has been read; null from then on. */
  #first: Sighting[] | null = [];
  #sequence = 0;
  #heardMs: number;
  #memberHeardMs: number;
  #askedMs: number;
  #stopped = false;
  #check: Timer | null = null;
  #unsubscribe: () => void = () => {};
  #end: (error: RingwayError) => void = () => {};

  constructor(session: Session, options: ReaderOptions, listener: RosterListener) {
    this.#session = session;
    this.#options = options;
    this.#listener = listener;
    this.#sightings = new SightingReader(options.bucket);
    this.#heardMs = options.clock.monotonicMs();
    this.#memberHeardMs = this.#heardMs;
    this.#askedMs = this.#heardMs;
  }

  async run(): Promise<RingwayError> {
    const { nc, jsm } = this.#session;
    const { bucket, inbox, serverClock } = this.#options;
    this.#warn(`bucket "${bucket}"`, await ensureBucket(this.#session, this.#options));
    this.#warn('the clock of the server', serverClock.warning);
    if (this.#stopped) return unavailable('nats: no longer read');
    const ended = new Promise<RingwayError>((resolve) => {
      this.#end = resolve;
    });
    const subject = createInbox(inbox);
    const subscription = nc.subscribe(subject, { callback: (error, message) => this.#onMessage(error, message) });
    this.#unsubscribe = () => subscription.unsubscribe();
    const { num_pending: pending } = await jsm.consumers.add(streamOf(bucket), this.#consumer(subject));
    if (this.#stopped) return unavailable('nats: no longer read');
    this.#hear();
    if (pending === 0 && this.#sequence === 0) this.#complete();
    this.#watchOver();
    return ended;
  }

  stop(): void {
    this.#stopped = true;
    this.#check?.cancel();
    if (!this.#session.nc.isClosed()) this.#unsubscribe();
  }

  #consumer(subject: string): Partial<ConsumerConfig> {
    const { bucket, ring } = this.#options;
    return {
      name: `ringway-${randomUUID()}`,
      deliver_subject: subject,
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subject: ringSubjects(bucket, ring),
      ack_policy: AckPolicy.None,
      flow_control: true,
      idle_heartbeat: nanos(IDLE_MS),
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    };
  }

  #onMessage(error: Error | null, message: Msg): void {
    this.#hear();
    const delivery = error === null ? parseDelivery(message.reply) : null;
    if (error !== null) this.#end(busError(error, 'nats'));
    else if (delivery !== null) this.#onDelivery(delivery, message);
    else this.#onStatus(message);
  }

  #onDelivery(delivery: Delivery, message: Msg): void {
    this.#sequence += 1;
    if (delivery.sequence !== this.#sequence) {
      this.#end(unavailable('nats: a message is missing'));
      return;
    }
    this.#memberHeardMs = this.#heardMs;
    this.#take(this.#sightings.read(message, { ...delivery, storedMs: delivery.storedMs + this.#options.serverClock.behindMs }));
    if (delivery.pending === 0) this.#complete();
  }

  /** Idle heartbeats and flow control (status 100), and that the consumer is gone (409). */
  #onStatus(message: Msg): void {
    const { headers } = message;
    if (headers?.code !== 100) {
      this.#end(unavailable(`nats: the reading was ended: ${headers?.description ?? 'no reason'}`));
      return;
    }
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (message.reply) message.respond();
    else if (stalled !== '') this.#session.nc.publish(stalled);
    if (Number(headers.get('Nats-Last-Consumer') || this.#sequence) > this.#sequence) this.#end(unavailable('nats: a message is missing'));
    else if (this.#first === null) this.#listener.alive();
  }

  #warn(key: string, problem: string | null): void {
    if (problem !== null) this.#take({ kind: 'unreadable', key, id: null, problem });
  }

  #take(sighting: Sighting): void {
    if (this.#first === null) this.#listener.saw(sighting);
    else if (this.#first.length < MAX_KEYS) this.#first.push(sighting);
  }

  #complete(): void {
    const first = this.#first;
    this.#first = null;
    if (first !== null) this.#listener.synced(first);
  }

  #hear(): void {
    this.#heardMs = this.#options.clock.monotonicMs();
  }

  #watchOver(): void {
    const { clock } = this.#options;
    this.#check = clock.after(CHECK_MS, () => {
      const nowMs = clock.monotonicMs();
      if (nowMs - this.#heardMs > SILENCE_MS) this.#end(unavailable('nats: the server says nothing any more'));
      const everyMs = nowMs - this.#memberHeardMs >= NOBODY_MS ? ASK_AGAIN_MS : ASK_ANYWAY_MS;
      if (nowMs - this.#askedMs >= everyMs) {
        this.#askedMs = nowMs;
        void checkBucket(this.#session, this.#options).then((error) => error !== null && this.#end(error));
      }
      this.#watchOver();
    });
  }
}
