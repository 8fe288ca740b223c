import type { MembersReport, MergedMember, Partition, PartitionState } from './types.ts';

/**
 * Partitions from `reports` in order of precedence: the first that knows a partition decides its state. DELETED ones go, and with them
 * what members say of owning them. Owners are the members that name the partition; one that no report lists is ACTIVE (a file names
 * partitions only by their owners).
 */
export function mergePartitions(
  members: readonly MergedMember[],
  reports: readonly MembersReport[],
): { readonly members: readonly MergedMember[]; readonly partitions: readonly Partition[] } {
  const states = new Map<number, PartitionState>();
  for (const { partitions } of reports) for (const { id, state } of partitions) if (!states.has(id)) states.set(id, state);
  const owning = members.map((member) =>
    member.partition !== null && states.get(member.partition) === 'DELETED' ? { ...member, partition: null } : member,
  );
  for (const { partition } of owning) if (partition !== null && !states.has(partition)) states.set(partition, 'ACTIVE');
  const owners = Map.groupBy(owning, ({ partition }) => partition);
  const partitions = [...states]
    .filter(([, state]) => state !== 'DELETED')
    .sort(([a], [b]) => a - b)
    .map(([id, state]) => ({ id, state, owners: (owners.get(id) ?? []).map((member) => member.id) }));
  return { members: owning, partitions };
}
