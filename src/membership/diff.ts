import { isDeepStrictEqual } from 'node:util';
import type { MergedMember, Ring } from './types.ts';

/** The fields of a member whose change is worth telling. */
const FIELDS = ['address', 'zone', 'partition', 'state', 'registeredMs', 'refused', 'unhealthy'] as const;

/** A member that is in both rings but is not the same. */
export interface MemberChange {
  readonly before: MergedMember;
  readonly after: MergedMember;
  /** What is different, in the order of the model; never empty. */
  readonly fields: readonly (typeof FIELDS)[number][];
}

/** What happened to the members of a ring. Each list is in order of id. */
export interface RingDiff {
  readonly added: readonly MergedMember[];
  readonly removed: readonly MergedMember[];
  readonly changed: readonly MemberChange[];
}

/** From `before` (null: no ring) to `after`. Heartbeats, opinions and who decided do not count. */
export function diffRings(before: Ring | null, after: Ring): RingDiff {
  const known = new Map(before?.members.map((member) => [member.id, member]));
  const kept = new Set(after.members.map(({ id }) => id));
  return {
    added: after.members.filter(({ id }) => !known.has(id)),
    removed: [...known.values()].filter(({ id }) => !kept.has(id)),
    changed: after.members.flatMap((member) => {
      const old = known.get(member.id);
      const fields = old ? FIELDS.filter((field) => old[field] !== member[field]) : [];
      return old && fields.length > 0 ? { before: old, after: member, fields } : [];
    }),
  };
}

/** Whether a catalog with the one says the same as with the other; see Catalog for what is not content. */
export function isSameContent(a: Ring, b: Ring): boolean {
  return isDeepStrictEqual(contentOf(a), contentOf(b));
}

function contentOf(ring: Ring): unknown {
  return {
    ...ring,
    members: ring.members.map(({ heartbeatMs, decidedBy, ...content }) => content),
    sources: ring.sources.map(({ name, ok, expired }) => ({ name, ok, expired })),
  };
}
