import type { Ring } from '../../src/membership/types.ts';
import type { DskitSeen } from './dskit-process.ts';

/** What a ring says in words that dskit and Ringway share. */
export interface RingView {
  /** By id: address, zone, state, when registered (Unix s), and whether a querier would ask it. */
  readonly instances: Readonly<Record<string, string>>;
  /** By number: state, and the owners that have an instance. */
  readonly partitions: Readonly<Record<number, string>>;
  /** The instances that a querier asks, a list for each partition; null when it would not ask, since a partition has nobody. */
  readonly asked: readonly string[] | null;
}

export function viewOfDskit({ instances, partitions, asked, refused }: DskitSeen): RingView {
  const ids = new Set(instances.map(({ id }) => id));
  return {
    instances: Object.fromEntries(
      instances.map(({ id, address, zone, state, registeredAt, healthy }) => [id, instance(address, zone, state, registeredAt, healthy)]),
    ),
    partitions: Object.fromEntries(
      partitions.map(({ id, state, owners }) => [
        id,
        partition(
          state,
          owners.filter((owner) => ids.has(owner)),
        ),
      ]),
    ),
    asked: refused === '' ? asked.map((set) => set.join(' ')).sort() : null,
  };
}

export function viewOfRing({ members, partitions }: Ring): RingView {
  const healthy = new Set(members.flatMap(({ id, unhealthy }) => (unhealthy === null ? id : [])));
  const sets = partitions.map(({ owners }) => owners.filter((owner) => healthy.has(owner)).join(' '));
  return {
    instances: Object.fromEntries(
      members.map(({ id, address, zone, state, registeredMs }) => [
        id,
        instance(address, zone, state, (registeredMs ?? 0) / 1000, healthy.has(id)),
      ]),
    ),
    partitions: Object.fromEntries(partitions.map(({ id, state, owners }) => [id, partition(state, owners)])),
    asked: sets.length === 0 || sets.includes('') ? null : sets.sort(),
  };
}

function instance(address: string, zone: string, state: string, registeredAt: number, healthy: boolean): string {
  return `${address} ${zone} ${state} since ${registeredAt}, ${healthy ? 'healthy' : 'unhealthy'}`;
}

function partition(state: string, owners: readonly string[]): string {
  return `${state.toUpperCase()} of ${[...owners].sort().join(' ')}`;
}
