// Both rings as one member of the cluster has them, from the first read until it fails.
import { type Clock, messageOf, RingwayError, sleep } from '../../../core/index.ts';
import type { SourceDeps } from '../types.ts';
import { failure } from './calls.ts';
import { BUSY, followChanges, SECOND_MS } from './changes.ts';
import { connectEtcd, type EtcdClient } from './client.ts';
import type { EtcdSourceOptions } from './options.ts';
import { Pace } from './pace.ts';
import { createDecoder, type Reading, type Rings, readValues, type Value } from './read.ts';

/** Reports are this far apart at least. */
const REPORT_MS = 200;

export interface Session {
  readonly endpoint: string;
  readonly options: EtcdSourceOptions;
  readonly deps: SourceDeps;
  readonly signal: AbortSignal;
  /** Gets both rings whenever there is news, and whenever the server says that there is none. */
  readonly onRings: (rings: Rings) => void;
}

export type SessionEnd =
  /** Nothing failed, but the keys must be read again; after an abort too. */
  | { readonly kind: 'behind' }
  /** This member of the cluster does not do. */
  | { readonly kind: 'failed'; readonly error: RingwayError }
  /** What stands under the keys is no ring, whichever member is asked. */
  | { readonly kind: 'spoiled'; readonly error: RingwayError };

/** Never rejects. */
export async function followEndpoint(session: Session): Promise<SessionEnd> {
  const { endpoint, options, deps, signal } = session;
  let client: EtcdClient | null = null;
  try {
    client = await connectEtcd(endpoint, options, deps, signal);
    return await readAndFollow(client, session);
  } catch (error) {
    return { kind: 'failed', error: error instanceof RingwayError ? error : failure(endpoint, messageOf(error), 'READ_FAILED', error) };
  } finally {
    client?.close();
  }
}

async function readAndFollow(client: EtcdClient, { endpoint, options, deps: { clock }, signal, onRings }: Session): Promise<SessionEnd> {
  const { instances, partitions } = options.keys;
  const keys = partitions === null ? [instances] : [instances, partitions];
  const decode = createDecoder(endpoint, options.keys);
  const spoiled = new AbortController();
  const ended = AbortSignal.any([signal, spoiled.signal]);
  let known = await readValues(client, keys, null);
  const pace = new Pace(REPORT_MS, clock, () => {
    try {
      onRings(decode(known.values));
    } catch (error) {
      if (!(error instanceof RingwayError)) throw error;
      spoiled.abort(error);
    }
  });
  const onQuiet = (): void => pace.wanted();
  const onValue = (key: string, value: Value | null): void => {
    known.values.set(key, value);
    pace.wanted();
  };
  const onReading = (reading: Reading): void => {
    known = reading;
    pace.wanted();
  };
  try {
    pace.wanted();
    for (;;) {
      const { timeoutMs } = options;
      const end = await followChanges(client, { keys, revision: known.revision, timeoutMs, clock, signal: ended, onValue, onQuiet });
      if (spoiled.signal.aborted) return { kind: 'spoiled', error: spoiled.signal.reason };
      if (end instanceof RingwayError) return { kind: 'failed', error: end };
      if (end === 'behind') return { kind: 'behind' };
      await readWhileBusy(client, keys, known, clock, ended, onReading);
    }
  } catch (error) {
    if (error instanceof RingwayError && error.code === 'ETCD_UNAUTHENTICATED') return { kind: 'behind' }; // the token is too old
    throw error;
  } finally {
    pace.stop();
  }
}

/** Reads once a second until that is more than watching, or `signal` aborts. */
async function readWhileBusy(
  client: EtcdClient,
  keys: readonly string[],
  from: Reading,
  clock: Clock,
  signal: AbortSignal,
  onReading: (reading: Reading) => void,
): Promise<void> {
  let known = from;
  while (!signal.aborted) {
    await sleep(clock, SECOND_MS, signal);
    if (signal.aborted) return;
    const next = await readValues(client, keys, known);
    onReading(next);
    if (changesBetween(known, next) < BUSY / 2) return;
    known = next;
  }
}

/** How often the values were changed from one reading to another. */
function changesBetween(before: Reading, after: Reading): number {
  let changes = 0;
  for (const [key, value] of after.values) changes += Number((value?.version ?? 0n) - (before.values.get(key)?.version ?? 0n));
  return changes;
}
