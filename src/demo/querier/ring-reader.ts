/** A member as a querier sees it: healthy ones only. */
export interface QueriedMember {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
}

/** Owners that would be asked, by partition and zone. */
export type ReplicationSets = ReadonlyMap<number, ReadonlyMap<string, readonly QueriedMember[]>>;

/** Reads who owns what. Rejects when there is no ring. */
export type ReadRing = () => Promise<ReplicationSets>;

/** States in which Tempo's querier reads from an instance; UNHEALTHY is what the page says of an old heartbeat. */
const READABLE: ReadonlySet<string> = new Set(['ACTIVE', 'PENDING', 'LEAVING']);
const TIMEOUT_MS = 2_000;

interface InstancePage {
  readonly shards: readonly { readonly id: string; readonly state: string; readonly address: string; readonly zone: string }[] | null;
}

interface PartitionPage {
  readonly partitions: readonly { readonly id: number; readonly owner_ids: readonly string[] | null }[] | null;
}

/** Reads both rings from a Tempo process and joins them by instance id. Throws when there is no ring. */
export async function readReplicationSets(ringUrl: string): Promise<ReplicationSets> {
  const [instances, partitions] = await Promise.all([
    getJson<InstancePage>(ringUrl, '/live-store/ring'),
    getJson<PartitionPage>(ringUrl, '/partition-ring'),
  ]);
  const members = new Map<string, QueriedMember>();
  for (const { id, state, address, zone } of instances.shards ?? []) if (READABLE.has(state)) members.set(id, { id, address, zone });
  const sets = new Map<number, Map<string, QueriedMember[]>>();
  for (const partition of partitions.partitions ?? []) {
    const zones = new Map<string, QueriedMember[]>();
    for (const owner of partition.owner_ids ?? []) {
      const member = members.get(owner);
      if (member) zones.set(member.zone, [...(zones.get(member.zone) ?? []), member]);
    }
    sets.set(partition.id, zones);
  }
  return sets;
}

async function getJson<Body>(ringUrl: string, path: string): Promise<Body> {
  const response = await fetch(new URL(path, ringUrl), {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return (await response.json()) as Body;
}
