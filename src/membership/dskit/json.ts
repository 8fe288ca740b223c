// The rings as Tempo's pages tell them in JSON. Texts come from the network: what does not fit is RingwayError BAD_RING_JSON. Entries are
// checked one by one up to the first that does not fit: a list of all that is wrong with a page takes a thousand times its memory.
import { z } from 'zod';
import { messageOf, RingwayError } from '../../core/index.ts';
import type { MemberState } from '../types.ts';
import { MAX_NAME_LENGTH, MAX_RING_ENTRIES } from './limits.ts';
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

const name = z.string().max(MAX_NAME_LENGTH);

const shard = z.object({
  id: name,
  state: z.enum([...INSTANCE_STATES, 'UNHEALTHY']),
  address: name,
  timestamp: goTime,
  registered_timestamp: goTime.default(0),
  zone: name.default(''),
});

/**
 * `/live-store/ring` (ring/ring_http.go). `shards` is null when there is none; tombstones are absent. UNHEALTHY says that the heartbeat is
 * old and hides the state: taken as ACTIVE, since the heartbeat tells the rest.
 */
export function parseRingPage(text: string): InstanceRing {
  return new Map(
    parsePage(text, 'the instance ring page', 'shards', shard).map(
      ({ id, state, address, timestamp, registered_timestamp, zone }): [string, Instance] => {
        const known: MemberState = state === 'UNHEALTHY' ? 'ACTIVE' : state;
        return [id, { id, address, zone, state: known, heartbeatMs: timestamp, registeredMs: registered_timestamp || null }];
      },
    ),
  );
}

const partitionEntry = z.object({
  id: partitionId,
  corrupted: z.boolean().default(false),
  state: stateNumber(PARTITION_STATES),
  state_timestamp: goTime,
  owner_ids: z.custom<readonly string[] | null>(areNames, { error: 'Invalid input: expected names of owners' }),
});

function areNames(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.every((one) => typeof one === 'string' && one.length <= MAX_NAME_LENGTH));
}

/**
 * `/partition-ring` (ring/partition_ring_http.go). A corrupted partition is one that an owner names and that does not exist: left out.
 * Tombstones are absent, and nothing says since when an owner owns.
 */
export function parsePartitionPage(text: string): PartitionRing {
  const what = 'the partition ring page';
  const page = parsePage(text, what, 'partitions', partitionEntry);
  checkCount(what, page.length + page.reduce((sum, { owner_ids }) => sum + (owner_ids?.length ?? 0), 0));
  const partitions = page.filter(({ corrupted }) => !corrupted);
  const owners = partitions.flatMap(({ id: partition, owner_ids }) =>
    (owner_ids ?? []).map((id): [string, Owner] => [id, { id, partition, state: 'ACTIVE', updatedMs: 0 }]),
  );
  return {
    partitions: new Map(partitions.map(({ id, state, state_timestamp }) => [id, { id, state, stateMs: state_timestamp }])),
    owners: new Map(owners),
  };
}

/** The entries of the list under `key`, which is null when there are none. */
function parsePage<T>(text: string, what: string, key: string, entry: z.ZodType<T>): readonly T[] {
  const page = z
    .object({ [key]: z.custom(isListOrNull, { error: 'Invalid input: expected a list or null' }) })
    .safeParse(parseJson(text, what));
  if (!page.success) throw misfit(what, [], page.error);
  const entries = (page.data[key] as readonly unknown[] | null) ?? [];
  checkCount(what, entries.length);
  return entries.map((given, i) => {
    const result = entry.safeParse(given);
    if (result.success) return result.data;
    throw misfit(what, [key, i], result.error);
  });
}

function isListOrNull(value: unknown): boolean {
  return value === null || Array.isArray(value);
}

function checkCount(what: string, entries: number): void {
  if (entries > MAX_RING_ENTRIES) throw bad(`is not ${what}: it has ${entries} entries, at most ${MAX_RING_ENTRIES} are allowed`);
}

function misfit(what: string, at: readonly PropertyKey[], { issues: [issue] }: z.ZodError): RingwayError {
  return bad(`is not ${what}: ${[...at, ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message}`);
}

function parseJson(text: string, what: string): unknown {
  checkParts(text, what);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(`is not ${what}: ${messageOf(error).replaceAll(/\s+/g, ' ')}`);
  }
}

/** No more than the pages of the largest ring have: an entry is up to three objects and lists, and some twenty strings, keys included. */
const MAX_CONTAINERS = 4 * MAX_RING_ENTRIES;
const MAX_QUOTES = 40 * MAX_RING_ENTRIES;

/** Before it is parsed: two octets of text can be sixty of memory, all at once. Numbers, of which tokens are made, cost next to nothing. */
function checkParts(text: string, what: string): void {
  let [containers, quotes] = [0, 0];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x7b || code === 0x5b) containers += 1;
    else if (code === 0x22) quotes += 1;
  }
  if (containers > MAX_CONTAINERS || quotes > MAX_QUOTES) throw bad(`is not ${what}: it has more parts than any ring`);
}

function bad(what: string): RingwayError {
  return new RingwayError(`the JSON ${what}`, { code: 'BAD_RING_JSON' });
}
