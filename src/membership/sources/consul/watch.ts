import { Backoff, follow, messageOf, RingwayError, sleep } from '../../../core/index.ts';
import { decodeInstanceRing, decodePartitionRing, joinRings } from '../../dskit/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import { type AccessConfig, readAccess } from '../request-access.ts';
import type { SourceDeps } from '../types.ts';
import type { ConsulSourceOptions } from './options.ts';
import { type KeyReading, readKey } from './read.ts';

/** Between failed reads. */
const RETRY = { baseMs: 1000, maxMs: 30_000, minMs: 100 };
/** Each heartbeat of each member changes a whole ring: reads begin this far apart, as dskit's do (consul.watch-rate-limit). */
const PACE_MS = 1000;

/** Both keys as last read; `partitions` null for a ring without. */
interface Readings {
  readonly instances: KeyReading;
  readonly partitions: KeyReading | null;
}

/**
 * dskit's rings in Consul. Blocking queries wait for a change of either key; when one comes, the other key is read too, so that a report
 * holds both as they are at one time. A key that is not there is a failure: dskit writes an empty ring rather than none.
 */
export function createConsulSource(options: ConsulSourceOptions, deps: SourceDeps): MembershipSource {
  return {
    name: options.name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const stopping = new AbortController();
        const reading = readAgain(options, deps, AbortSignal.any([signal, stopping.signal]), put);
        return () => {
          stopping.abort();
          return reading;
        };
      }),
  };
}

async function readAgain(
  options: ConsulSourceOptions,
  deps: SourceDeps,
  signal: AbortSignal,
  put: (report: SourceReport) => void,
): Promise<void> {
  const { clock, random } = deps;
  const backoff = new Backoff(RETRY, random);
  const report = createReporter(options);
  let readings: Readings | null = null;
  while (!signal.aborted) {
    const beganMs = clock.monotonicMs();
    const outcome: Readings | RingwayError = await attempt(readings, options, deps, signal);
    if (signal.aborted) return;
    if (outcome instanceof RingwayError) {
      // What was known may be of another cluster by now.
      readings = null;
      put({ kind: 'failed', error: outcome });
      await sleep(clock, backoff.nextMs(), signal);
    } else {
      readings = outcome;
      backoff.reset();
      put(report(readings, clock.nowMs()));
      await sleep(clock, beganMs + PACE_MS - clock.monotonicMs(), signal);
    }
  }
}

async function attempt(
  before: Readings | null,
  options: ConsulSourceOptions,
  { clock, readSecret }: SourceDeps,
  signal: AbortSignal,
): Promise<Readings | RingwayError> {
  const access = await readAccess(accessOf(options), readSecret).catch(asOurs);
  if (access instanceof RingwayError) return access;
  const done = new AbortController();
  const read = (key: string, index: number): Promise<KeyReading> =>
    readKey(key, index, { ...options, access, clock, signal: AbortSignal.any([signal, done.signal]) });
  try {
    return await readBoth(before, options, read);
  } catch (error) {
    const { message, code } = asOurs(error);
    return new RingwayError(access.hide(message), { code, cause: error });
  } finally {
    done.abort();
  }
}

function asOurs(error: unknown): RingwayError {
  return error instanceof RingwayError ? error : new RingwayError(messageOf(error), { code: 'READ_FAILED', cause: error });
}

function accessOf({ tls, token }: ConsulSourceOptions): AccessConfig {
  return { tls, headers: token === null ? new Map() : new Map([['x-consul-token', token]]) };
}

/** Waits for news of either key, then reads the other. Without `before` both are just read. */
async function readBoth(
  before: Readings | null,
  { keys }: ConsulSourceOptions,
  read: (key: string, index: number) => Promise<KeyReading>,
): Promise<Readings> {
  if (keys.partitions === null) return { instances: await read(keys.instances, before?.instances.index ?? 0), partitions: null };
  if (before === null) {
    const [instances, partitions] = await Promise.all([read(keys.instances, 0), read(keys.partitions, 0)]);
    return { instances, partitions };
  }
  const waiting = [read(keys.instances, before.instances.index), read(keys.partitions, before.partitions?.index ?? 0)];
  const first = await Promise.race(waiting);
  return first.key === keys.instances
    ? { instances: first, partitions: await read(keys.partitions, 0) }
    : { instances: await read(keys.instances, 0), partitions: first };
}

/** What readings mean. A value that is as it was is not decoded again. */
function createReporter({ url, ring, keys }: ConsulSourceOptions): (readings: Readings, nowMs: number) => SourceReport {
  const instancesOf = keepLast(url, decodeInstanceRing);
  const partitionsOf = keepLast(url, decodePartitionRing);
  return ({ instances, partitions }, asOfMs) => {
    try {
      const joined = joinRings(instancesOf(instances), keys.partitions === null || partitions === null ? null : partitionsOf(partitions));
      return { kind: 'members', ring, ...joined, asOfMs };
    } catch (error) {
      return { kind: 'failed', error: asOurs(error) };
    }
  };
}

function keepLast<T>(url: string, decode: (bytes: Uint8Array) => T): (reading: KeyReading) => T {
  let last: { readonly value: Buffer; readonly ring: T } | null = null;
  return ({ key, value }) => {
    const where = `${url}: key ${JSON.stringify(key)}`;
    if (value === null) throw new RingwayError(`${where}: there is no such key`, { code: 'CONSUL_NO_KEY' });
    if (last?.value.equals(value)) return last.ring;
    try {
      last = { value, ring: decode(value) };
      return last.ring;
    } catch (error) {
      const { message, code } = asOurs(error);
      throw new RingwayError(`${where}: ${message}`, { code, cause: error });
    }
  };
}
