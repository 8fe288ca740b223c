import { json, type Page, type PageReply, type PageTable, plain } from '../http-pages.ts';
import { instanceRingBytes, partitionRingBytes, partitionsOf } from './ring-bytes.ts';
import { type Announcement, HEARTBEAT_TIMEOUT_MS, type RingInstance, type SampleRing } from './sample-ring.ts';

/** Tempo's keys in its key-value store. */
const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' } as const;
/** Integers, as Tempo's page has them (ring/partition_ring_desc.proto). */
const PARTITION_ACTIVE = 2;

/**
 * The pages of a Tempo distributor that say who is in the ring, and those by which sample live-stores announce themselves.
 * While `isJoined` is false the ring keys are unknown (404), as on a Tempo process that has not joined its gossip yet.
 */
export function ringPages(ring: SampleRing, isJoined: () => boolean): PageTable {
  const joined =
    (page: Page): Page =>
    (request) =>
      isJoined() ? page(request) : plain('value not found\n', 404);
  return {
    'GET /ready': () => plain('ready\n'),
    'GET /memberlist': joined(({ url }) => memberlistPage(ring, url)),
    'GET /live-store/ring': joined(() => json({ shards: shardsOf(ring), now: iso(ring.nowMs) })),
    'GET /partition-ring': joined(() => json({ partitions: partitionEntries(ring) })),
    'POST /sample/announce': ({ body }) => {
      ring.announce(readAnnouncement(body));
      return plain('ok\n');
    },
    'POST /sample/leave': ({ url }) => (ring.leave(url.searchParams.get('id') ?? '') ? plain('ok\n') : plain('no such member\n', 404)),
  };
}

function memberlistPage(ring: SampleRing, url: URL): PageReply {
  const key = url.searchParams.get('downloadKey');
  const bytes = (body: Uint8Array): PageReply => ({ status: 200, type: 'application/octet-stream', body });
  if (key === KEYS.instances) return bytes(instanceRingBytes(ring.instances()));
  if (key === KEYS.partitions) return bytes(partitionRingBytes(ring.owners()));
  if (key !== null) return plain('value not found\n', 404);
  return json({ Now: iso(ring.nowMs), Memberlist: {}, SortedMembers: [] });
}

/** The `shards` of /live-store/ring: null when empty, as Go writes it. */
function shardsOf(ring: SampleRing): unknown {
  const shards = ring.instances().filter((instance) => instance.state !== 'LEFT');
  if (shards.length === 0) return null;
  return shards.map((instance) => ({
    id: instance.id,
    state: shownState(instance, ring.nowMs),
    address: instance.address,
    timestamp: iso(instance.heartbeatMs),
    registered_timestamp: iso(instance.registeredMs),
    read_only: false,
    read_only_updated_timestamp: '0001-01-01T00:00:00Z',
    zone: instance.zone,
    tokens: null,
  }));
}

function shownState(instance: RingInstance, nowMs: number): string {
  return nowMs - instance.heartbeatMs > HEARTBEAT_TIMEOUT_MS ? 'UNHEALTHY' : instance.state;
}

/** The `partitions` of /partition-ring, without tokens: they spread writes, and nobody writes here. */
function partitionEntries(ring: SampleRing): unknown[] {
  const owners = ring.owners();
  return [...partitionsOf(owners)].map(([id, stateMs]) => ({
    id,
    corrupted: false,
    state: PARTITION_ACTIVE,
    state_timestamp: iso(stateMs),
    state_change_locked: false,
    owner_ids: owners.filter((owner) => owner.partition === id && owner.state === 'ACTIVE').map((owner) => owner.id),
    tokens: [],
  }));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Throws an Error that names the field; only our own live-stores send these. */
function readAnnouncement(body: string): Announcement {
  const { id, address, zone, partition, state } = JSON.parse(body) as Partial<Announcement>;
  if (typeof id !== 'string' || id === '') throw new Error('id: a name is needed');
  if (typeof address !== 'string' || address === '') throw new Error('address: host:port is needed');
  if (typeof partition !== 'number' || !Number.isInteger(partition)) throw new Error('partition: a whole number is needed');
  if (state !== 'ACTIVE' && state !== 'LEAVING') throw new Error('state: ACTIVE or LEAVING');
  return { id, address, zone: zone ?? '', partition, state };
}
