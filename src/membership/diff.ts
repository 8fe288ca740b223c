import { IdCursor } from './by-id.ts';
import { isSameMember } from './keep.ts';
import type { MergedMember, Ring } from './types.ts';

/** The fields of a member whose change is worth telling. */
const FIELDS = ['address', 'zone', 'partition', 'state', 'registeredMs', 'refused', 'warning', 'unhealthy', 'spared'] as const;

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
  const known = new IdCursor(before?.members ?? []);
  const kept = new IdCursor(after.members);
  const added: MergedMember[] = [];
  const changed: MemberChange[] = [];
  for (const member of after.members) {
    const old = known.take(member.id);
    if (!old) added.push(member);
    else if (!isSameMember(old, member)) changed.push(changeOf(old, member));
  }
  const removed = (before?.members ?? []).filter(({ id }) => kept.take(id) === undefined);
  return { added, removed, changed: changed.filter(({ fields }) => fields.length > 0) };
}

function changeOf(before: MergedMember, after: MergedMember): MemberChange {
  return { before, after, fields: FIELDS.filter((field) => before[field] !== after[field]) };
}
