// The changes of some keys after a revision, as one stream of watches.
import type { ServiceError } from '@grpc/grpc-js';
import type { Clock, RingwayError, Timer } from '../../../core/index.ts';
import { Event_EventType, type WatchRequest, type WatchResponse } from '../../../gen/etcd/rpc.ts';
import { badAnswer, callFailure, failure, oneLine } from './calls.ts';
import type { EtcdClient } from './client.ts';
import type { Value } from './read.ts';

export interface ChangesOptions {
  readonly keys: readonly string[];
  /** What was known already. */
  readonly revision: bigint;
  /** For a server that was asked something. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A key has another value; null: it is gone. */
  readonly onValue: (key: string, value: Value | null) => void;
  /** Up to now nothing else has changed. */
  readonly onQuiet: () => void;
}

/** Why no more changes come. Nothing failed when it is `behind`: the keys must be read again; nor when it is `busy`: see BUSY. */
export type ChangesEnd = 'behind' | 'busy' | RingwayError;

/**
 * Every heartbeat of every member sends a whole ring to all who watch it. With more changes than these in a second the keys are read
 * instead: of 1,000 members 200 rings a second come, of which one is wanted.
 */
export const BUSY = 20;
export const SECOND_MS = 1000;

/** A server that has said nothing for this long is asked how far it is (etcd 3.4; older ones do not answer, and are read again). */
const QUIET_MS = 10_000;

/**
 * Follows until the stream breaks, `signal` aborts, or what comes cannot be relied on: changes were compacted away, the store went back
 * (restored from a backup), the server stays silent. Never rejects; calls nothing after it has ended.
 */
export function followChanges(client: EtcdClient, options: ChangesOptions): Promise<ChangesEnd> {
  const { keys, revision, timeoutMs, clock, signal } = options;
  const { endpoint } = client;
  const { promise, resolve } = Promise.withResolvers<ChangesEnd>();
  const stream = client.watch();
  const end = (why: ChangesEnd): void => {
    silence.cancel();
    signal.removeEventListener('abort', onAbort);
    stream.removeAllListeners('data');
    stream.cancel();
    resolve(why);
  };
  const onAbort = (): void => end('behind');
  const askWhenQuiet = (): Timer =>
    clock.after(QUIET_MS, () => {
      silence = clock.after(timeoutMs, () => end('behind'));
      stream.write({ requestUnion: { $case: 'progressRequest', value: {} } });
    });
  let silence = clock.after(timeoutMs, () => end(failure(endpoint, `did not begin to watch within ${timeoutMs}ms`, 'ETCD_TIMEOUT')));

  let second = { beganMs: clock.monotonicMs(), changes: 0 };
  stream.on('data', (response: WatchResponse) => {
    silence.cancel();
    silence = askWhenQuiet();
    const nowMs = clock.monotonicMs();
    if (nowMs - second.beganMs >= SECOND_MS) second = { beganMs: nowMs, changes: 0 };
    second.changes += response.events.length;
    const over = takeResponse(endpoint, response, options);
    if (over !== null) end(over);
    else if (second.changes > BUSY) end('busy');
  });
  stream.on('error', (error: ServiceError) => end(callFailure(endpoint, error)));
  stream.on('end', () => end(failure(endpoint, 'ended the watch', 'ETCD_ENDED')));
  for (const key of keys) stream.write(createRequest(key, revision + 1n));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise;
}

function createRequest(key: string, startRevision: bigint): WatchRequest {
  const value = { key: Buffer.from(key), rangeEnd: new Uint8Array(), startRevision, progressNotify: true, watchId: 0n, fragment: true };
  return { requestUnion: { $case: 'createRequest', value } };
}

/** Null: go on. */
function takeResponse(endpoint: string, response: WatchResponse, { keys, revision, onValue, onQuiet }: ChangesOptions): ChangesEnd | null {
  const { header, created, canceled, compactRevision, cancelReason, events } = response;
  if (header === undefined) return badAnswer(endpoint);
  if (compactRevision > 0n || header.revision < revision) return 'behind';
  if (canceled) return failure(endpoint, `canceled the watch: ${oneLine(cancelReason) || 'it does not say why'}`, 'ETCD_CANCELED');
  for (const { type, kv } of events) {
    const key = Buffer.from(kv?.key ?? []).toString();
    if (kv === undefined || !keys.includes(key)) continue;
    const { value: bytes, modRevision, version } = kv;
    onValue(key, type === Event_EventType.DELETE ? null : { bytes, modRevision, version });
  }
  if (events.length === 0 && !created) onQuiet();
  return null;
}
