import { type Random, type RingwayError, sleep } from '../../../core/index.ts';
import type { RosterListener, RosterOrigin } from '../roster-feed.ts';
import { tellEvent } from './events.ts';
import { type LinkState, type NatsLink, REQUEST_MS } from './link.ts';
import { type ReaderOptions, readBucket } from './reader.ts';
import { writeRecord } from './record.ts';
import { RetryPace } from './retry-pace.ts';
import { ServerClock } from './server-clock.ts';
import { memberSubject } from './subjects.ts';

/** An interruption of the connection that ends within this time is not reported: one of several servers may stop. */
const CONNECTION_PATIENCE_MS = 1000;
/** The same while there is a connection: a cluster takes up to 10 s to elect a new leader of the bucket. */
const READING_PATIENCE_MS = 15_000;
/** After a reading that lasted this long there is no need to wait longer each time. */
const STABLE_MS = 1000;

interface OriginOptions extends Omit<ReaderOptions, 'serverClock'> {
  readonly random: Random;
}

/** The reading side of a bus over NATS: reads the bucket whenever there is a connection. */
export function createOrigin(options: OriginOptions, link: NatsLink): RosterOrigin {
  const { ring, bucket, looksOnly, clock, random } = options;
  return {
    open(listener) {
      const stopping = new AbortController();
      const running = readForEver(
        { ...options, serverClock: new ServerClock(clock), pace: new RetryPace(random) },
        link,
        listener,
        stopping.signal,
      );
      return () => {
        stopping.abort();
        return running;
      };
    },
    forget({ registration, revision }) {
      const state = link.state.value;
      if (looksOnly || state.kind !== 'up') return;
      const { session } = state;
      // Of several readers one is first; the others, and a login that may not, leave it at that.
      writeRecord(session, memberSubject(bucket, ring, registration.id), null, revision, REQUEST_MS)
        .then(
          ({ kind }) => kind === 'written' && tellEvent(session, ring, registration, { kind: 'left', reason: 'expired' }, clock.nowMs()),
        )
        .catch(() => {});
    },
  };
}

async function readForEver(
  options: ReaderOptions & { readonly pace: RetryPace },
  link: NatsLink,
  listener: RosterListener,
  signal: AbortSignal,
): Promise<void> {
  const { clock, pace } = options;
  link.start();
  let lost: RingwayError | null = null;
  const report = (state: LinkState): void => {
    if (state.kind === 'down') listener.away(state.error, CONNECTION_PATIENCE_MS);
    // Another server took us, which may yet have to hear who leads the bucket now.
    if (state.kind === 'up' && lost !== null) listener.away(lost, READING_PATIENCE_MS);
    lost = state.kind === 'down' ? state.error : null;
  };
  report(link.state.value);
  const unsubscribe = link.state.subscribe(report);
  while (!signal.aborted) {
    const state = link.state.value;
    if (state.kind !== 'up') await change(link, signal);
    else {
      const sinceMs = clock.monotonicMs();
      const error = await readBucket(state.session, options, listener, signal);
      if (signal.aborted) break;
      if (!state.session.nc.isClosed()) {
        listener.away(error, READING_PATIENCE_MS);
        if (clock.monotonicMs() - sinceMs >= STABLE_MS) pace.reset();
        await sleep(clock, pace.nextMs(error), signal);
      } else if (link.state.value === state) await change(link, signal);
    }
  }
  unsubscribe();
}

/** Resolves when the link is in another state, or `signal` aborts. */
function change(link: NatsLink, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      unsubscribe();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const unsubscribe = link.state.subscribe(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
