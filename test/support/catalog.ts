import type { Catalog, Member, MergedMember, Ring } from '../../src/membership/types.ts';

/** The moment at which these catalogs are true. */
export const CATALOG_MS = 1_795_260_970_000;

/** A member that is ACTIVE, has just said so and may be dialled; `fields` says what is different. One source, `tempo`, says so unless `opinions` is given. */
export function memberOf(id: string, fields: Partial<MergedMember> = {}): MergedMember {
  const said: Member = {
    id,
    address: '10.0.0.1:9096',
    zone: 'zone-a',
    partition: 0,
    state: fields.state ?? 'ACTIVE',
    heartbeatMs: fields.heartbeatMs === undefined ? CATALOG_MS : fields.heartbeatMs,
    registeredMs: CATALOG_MS - 3_600_000,
  };
  return {
    ...said,
    opinions: [{ source: 'tempo', member: said, heardMs: said.heartbeatMs }],
    disagreements: [],
    decidedBy: 'tempo',
    refused: null,
    warning: null,
    unhealthy: null,
    spared: null,
    sinceMs: CATALOG_MS - 3_600_000,
    ...fields,
  };
}

/** A ring that has been read by one source. Partitions follow from the members unless given. */
export function ringOf(name: string, members: readonly MergedMember[], fields: Partial<Ring> = {}): Ring {
  const ids = [...new Set(members.flatMap(({ partition }) => partition ?? []))].sort((a, b) => a - b);
  return {
    name,
    members,
    partitions: ids.map((id) => ({
      id,
      state: 'ACTIVE',
      owners: members.filter(({ partition }) => partition === id).map((member) => member.id),
    })),
    sources: [{ name: 'tempo', ok: true, asOfMs: CATALOG_MS, error: null, expired: false }],
    emptyGuard: false,
    ...fields,
  };
}

export function catalogOf(version: number, ...rings: readonly Ring[]): Catalog {
  return { version, rings: new Map(rings.map((ring) => [ring.name, ring])) };
}

/** Two zones, two partitions: the smallest ring in which every member has one stand-in. */
export function fourMembers(): MergedMember[] {
  return [
    memberOf('live-store-zone-a-0', { address: '10.0.0.10:9096', zone: 'zone-a', partition: 0 }),
    memberOf('live-store-zone-a-1', { address: '10.0.0.11:9096', zone: 'zone-a', partition: 1 }),
    memberOf('live-store-zone-b-0', { address: '10.0.1.10:9096', zone: 'zone-b', partition: 0 }),
    memberOf('live-store-zone-b-1', { address: '10.0.1.11:9096', zone: 'zone-b', partition: 1 }),
  ];
}
