import type { Catalog, MemberId, MergedMember, Ring, RingName } from '../../membership/types.ts';

/** Why a member gets no route although its ring does not refuse it; by ring and member id. */
export type Conflicts = ReadonlyMap<RingName, ReadonlyMap<MemberId, string>>;

/** The form in which authorities are compared: Envoy's virtual host domains ignore case. */
export function authorityKey(address: string): string {
  return address.toLowerCase();
}

/** In the ring, with an address that may be dialled: what a querier would ask were it healthy. */
export function isRoutable(member: MergedMember): boolean {
  return member.refused === null && member.state !== 'LEFT';
}

/**
 * One authority leads to one member. When several claim it, the one whose ring's name, then whose id, sorts first keeps it (the
 * order of arrival is not the same on every replica); the others are in conflict.
 */
export function findConflicts(catalog: Catalog): Conflicts {
  const known = found.get(catalog);
  if (known) return known;
  const conflicts = conflictsOf(catalog);
  found.set(catalog, conflicts);
  return conflicts;
}

/** Stage, telemetry and reports ask the same of one catalog. */
const found = new WeakMap<Catalog, Conflicts>();

function conflictsOf(catalog: Catalog): Conflicts {
  const claims = new Map<string, { readonly ring: RingName; readonly member: MemberId }>();
  const conflicts = new Map<RingName, Map<MemberId, string>>();
  for (const ring of sortedRings(catalog)) {
    for (const member of ring.members.filter(isRoutable).sort(byId)) {
      const key = authorityKey(member.address);
      const holder = claims.get(key);
      if (!holder) {
        claims.set(key, { ring: ring.name, member: member.id });
        continue;
      }
      const ofRing = conflicts.get(ring.name) ?? new Map<MemberId, string>();
      conflicts.set(
        ring.name,
        ofRing.set(member.id, `address ${member.address} is claimed by member ${holder.member} of ring ${holder.ring}`),
      );
    }
  }
  return conflicts;
}

/** Order by id, the same on every machine: code units, no locale. */
export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function sortedRings(catalog: Catalog): Ring[] {
  return [...catalog.rings.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
