import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { RingwayError } from '../../../core/index.ts';
import { MAX_REGISTRATION_BYTES } from '../registration.ts';
import { busError, isNoSuchStream, unavailable } from './errors.ts';
import type { Session } from './link.ts';
import type { ServerClock } from './server-clock.ts';
import { bucketSubjects, streamOf } from './subjects.ts';

export interface BucketOptions {
  readonly bucket: string;
  /** Copies, when it has to be created. */
  readonly replicas: number;
  readonly forgetAfterMs: number;
  /** Creates nothing. */
  readonly looksOnly: boolean;
  /** By which what stands in the bucket is dated. */
  readonly serverClock: ServerClock;
}

/** The server drops what was not written for this long; nobody has to run for that. Longer than servers stay away. */
const MIN_MAX_AGE_MS = 3_600_000;
const HEADER_BYTES = 1024;

/** Creates the bucket when it is not there, unless we only look. Resolves with what is wrong with one that somebody else has created, or null. */
export async function ensureBucket({ jsm }: Session, options: BucketOptions): Promise<string | null> {
  const stream = streamOf(options.bucket);
  try {
    const { answer } = await options.serverClock.compare(() =>
      jsm.streams.info(stream).catch((error: unknown) => {
        if (isNoSuchStream(error) && !options.looksOnly) return jsm.streams.add(configOf(options));
        throw error;
      }),
    );
    return whatIsWrong(answer.config, options);
  } catch (error) {
    throw busError(error, `nats: bucket "${options.bucket}"`);
  }
}

/**
 * Why it has to be read anew; null when it has not. It cannot be written now (no leader, or gone), so that nobody's heartbeats are missed;
 * or a clock was set.
 */
export async function checkBucket({ jsm }: Session, { bucket, serverClock }: BucketOptions): Promise<RingwayError | null> {
  const what = `nats: bucket "${bucket}"`;
  try {
    const { stepped } = await serverClock.compare(() => jsm.streams.info(streamOf(bucket)));
    return stepped ? unavailable(`${what}: the server's clock or ours was set`) : null;
  } catch (error) {
    return busError(error, what);
  }
}

/**
 * As `nats kv add` makes it, but for what would let one member's login do something to another's: roll-ups (a header that drops every
 * other message) and purges are denied.
 */
function configOf({ bucket, replicas, forgetAfterMs }: BucketOptions): Partial<StreamConfig> & { readonly name: string } {
  return {
    name: streamOf(bucket),
    description: 'members of rings, by ringway',
    subjects: [bucketSubjects(bucket)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    max_msg_size: MAX_REGISTRATION_BYTES + HEADER_BYTES,
    max_age: nanos(maxAgeMs(forgetAfterMs)),
    allow_direct: true,
    allow_rollup_hdrs: false,
    deny_delete: true,
    deny_purge: true,
  };
}

function maxAgeMs(forgetAfterMs: number): number {
  return Math.max(MIN_MAX_AGE_MS, 10 * forgetAfterMs);
}

/** What the server says that the bucket is like, since it may not do as it was asked. */
function whatIsWrong(config: StreamConfig, { forgetAfterMs }: BucketOptions): string | null {
  const problems = [
    ...(config.allow_rollup_hdrs || !config.deny_purge ? ['allows roll-ups or purges, so any member may empty it'] : []),
    ...(config.allow_direct ? [] : ['does not allow direct reads, so members cannot read their own keys']),
    ...(config.max_age > 0 && config.max_age < nanos(forgetAfterMs) ? ['drops members before forgetAfter'] : []),
  ];
  return problems.join(', ') || null;
}
