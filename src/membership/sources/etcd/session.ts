// Both rings as one member of the cluster has them, from the first read until it fails.
import { messageOf, RingwayError } from '../../../core/index.ts';
import type { SourceDeps } from '../types.ts';
import { failure } from './calls.ts';
import { followChanges } from './changes.ts';
import { connectEtcd, type EtcdClient } from './client.ts';
import type { EtcdSourceOptions } from './options.ts';
import { Pace } from './pace.ts';
import { createDecoder, type Rings, readValues } from './read.ts';

/** Each heartbeat of each member changes a whole ring; they are reported this far apart at least. */
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
  const { values, revision } = await readValues(client, keys);
  const decode = createDecoder(endpoint, options.keys);
  const spoiled = new AbortController();
  const pace = new Pace(REPORT_MS, clock, () => {
    try {
      onRings(decode(values));
    } catch (error) {
      if (!(error instanceof RingwayError)) throw error;
      spoiled.abort(error);
    }
  });
  pace.wanted();
  if (spoiled.signal.aborted) return { kind: 'spoiled', error: spoiled.signal.reason };
  const end = await followChanges(client, {
    keys,
    revision,
    timeoutMs: options.timeoutMs,
    clock,
    signal: AbortSignal.any([signal, spoiled.signal]),
    onValue: (key, value) => {
      values.set(key, value);
      pace.wanted();
    },
    onQuiet: () => pace.wanted(),
  });
  pace.stop();
  if (spoiled.signal.aborted) return { kind: 'spoiled', error: spoiled.signal.reason };
  return end === 'behind' ? { kind: 'behind' } : { kind: 'failed', error: end };
}
