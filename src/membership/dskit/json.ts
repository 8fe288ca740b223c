// The rings as Tempo's pages tell them in JSON. Texts come from the network: what does not fit is RingwayError BAD_RING_JSON.
import { z } from 'zod';
import { messageOf, RingwayError } from '../../core/index.ts';
import type { MemberState } from '../types.ts';
import { INSTANCE_STATES, PARTITION_STATES } from './names.ts';
import type { Instance, InstanceRing, Owner, PartitionRing } from './types.ts';

/** A Go time in RFC 3339; its zero time (0001-01-01) is 0. The value is Unix ms. */
const goTime = z.string().transform((text, context): number => {
  // biome-ignore lint/style/noRestrictedGlobals: reads a text, not the time
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return Math.max(ms, 0);
  context.addIssue({ code: 'custom', message: `"${text.slice(0, 40)}" is not a time` });
  return z.NEVER;
});

const partitionId = z.int32();

/** A state given as its number, as the name at that place; absent means the first. */
function stateNumber<T extends string>(names: readonly T[]): z.ZodType<T> {
  return z
    .int()
    .min(0)
    .max(names.length - 1)
    .default(0)
    .transform((value) => names[value] as T);
}

const ringPage = z.object({
  shards: z
    .array(
      z.object({
        id: z.string(),
        state: z.enum([...INSTANCE_STATES, 'UNHEALTHY']),
        address: z.string(),
        timestamp: goTime,
        registered_timestamp: goTime.default(0),
        zone: z.string().default(''),
      }),
    )
    .nullable(),
});

/**
 * `/live-store/ring` (ring/ring_http.go). `shards` is null when there is none; tombstones are absent. UNHEALTHY says that the heartbeat is
 * old and hides the state: taken as ACTIVE, since the heartbeat tells the rest.
 */
export function parseRingPage(text: string): InstanceRing {
  const { shards } = parse(text, 'the instance ring page', ringPage);
  return new Map(
    (shards ?? []).map(({ id, state, address, timestamp, registered_timestamp, zone }): [string, Instance] => {
      const known: MemberState = state === 'UNHEALTHY' ? 'ACTIVE' : state;
      return [id, { id, address, zone, state: known, heartbeatMs: timestamp, registeredMs: registered_timestamp || null }];
    }),
  );
}

const partitionPage = z.object({
  partitions: z
    .array(
      z.object({
        id: partitionId,
        corrupted: z.boolean().default(false),
        state: stateNumber(PARTITION_STATES),
        state_timestamp: goTime,
        owner_ids: z.array(z.string()).nullable(),
      }),
    )
    .nullable(),
});

/**
 * `/partition-ring` (ring/partition_ring_http.go). A corrupted partition is one that an owner names and that does not exist: left out.
 * Tombstones are absent, and nothing says since when an owner owns.
 */
export function parsePartitionPage(text: string): PartitionRing {
  const page = parse(text, 'the partition ring page', partitionPage);
  const partitions = (page.partitions ?? []).filter(({ corrupted }) => !corrupted);
  const owners = partitions.flatMap(({ id: partition, owner_ids }) =>
    (owner_ids ?? []).map((id): [string, Owner] => [id, { id, partition, state: 'ACTIVE', updatedMs: 0 }]),
  );
  return {
    partitions: new Map(partitions.map(({ id, state, state_timestamp }) => [id, { id, state, stateMs: state_timestamp }])),
    owners: new Map(owners),
  };
}

function parse<T>(text: string, what: string, schema: z.ZodType<T>): T {
  const result = schema.safeParse(parseJson(text, what));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw bad(`is not ${what}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(`is not ${what}: ${messageOf(error).replaceAll(/\s+/g, ' ')}`);
  }
}

function bad(what: string): RingwayError {
  return new RingwayError(`the JSON ${what}`, { code: 'BAD_RING_JSON' });
}
