import { readRingMembers } from '../display/control-reader.ts';
import type { QueriedMember, ReadRing, ReplicationSets } from './ring-reader.ts';

/**
 * A ring as control knows it, where no Tempo has one: members that a querier would ask. While control does not answer the ring is as it
 * was, as a querier that gossips no more keeps what it knew.
 */
export function controlRing(adminUrl: string, ring: string): ReadRing {
  let last: ReplicationSets | null = null;
  return async () => {
    const members = await readRingMembers(adminUrl, ring);
    if (members !== null) last = setsOf(members.filter(({ eds }) => eds === 'HEALTHY'));
    if (last === null) throw new Error(`${adminUrl} does not know ring ${ring}`);
    return last;
  };
}

function setsOf(members: readonly (QueriedMember & { readonly partition: number | null })[]): ReplicationSets {
  const sets = new Map<number, Map<string, QueriedMember[]>>();
  for (const { id, address, zone, partition } of members) {
    if (partition === null) continue;
    const zones = sets.get(partition) ?? new Map<string, QueriedMember[]>();
    sets.set(partition, zones.set(zone, [...(zones.get(zone) ?? []), { id, address, zone }]));
  }
  return sets;
}
