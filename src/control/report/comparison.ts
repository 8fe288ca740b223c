import { addressKey } from '../../membership/index.ts';
import type { MergedMember, PartitionState, Ring } from '../../membership/types.ts';
import { count } from './count.ts';
import { printable } from './printable.ts';

/** One field that two sources say differently; null where one does not know it. */
interface FieldDifference {
  readonly field: 'address' | 'zone' | 'partition' | 'state';
  readonly left: string | number | null;
  readonly right: string | number | null;
}

/** A member that one source has and the other lacks. */
type LoneMember = Pick<MergedMember, 'id' | 'address' | 'zone' | 'partition' | 'state'>;

/** What `ringway ring diff --json` prints: how two sources differ about one ring. */
export interface RingComparison {
  readonly equal: boolean;
  readonly left: { readonly source: string; readonly members: number };
  readonly right: { readonly source: string; readonly members: number };
  readonly onlyLeft: readonly LoneMember[];
  readonly onlyRight: readonly LoneMember[];
  readonly different: readonly { readonly id: string; readonly fields: readonly FieldDifference[] }[];
  /** Partitions that only one lists, or that have another state; empty when one of the two lists no partitions. */
  readonly partitions: readonly { readonly id: number; readonly left: PartitionState | null; readonly right: PartitionState | null }[];
}

/** One side: how the user calls the source, and the ring as that source alone has it. */
export interface Side {
  readonly source: string;
  readonly ring: Ring;
  /** Whether it lists partitions itself; else those of `ring` follow from its members. */
  readonly listsPartitions: boolean;
}

/**
 * Compares members by id; by address when one side has nothing but addresses for ids (a name in DNS). A field that one source knows of no
 * member at all is not compared, and neither are heartbeats.
 */
export function compareSources(left: Side, right: Side): RingComparison {
  const keyOf = [left, right].some(isNameless) ? byAddress : byName;
  const ours = new Map(left.ring.members.map((member) => [keyOf(member), member]));
  const theirs = new Map(right.ring.members.map((member) => [keyOf(member), member]));
  const compared = FIELDS.filter((field) => [left, right].every(({ ring }) => knows(ring, field)));
  const different = [...ours].flatMap(([key, member]) => {
    const other = theirs.get(key);
    const fields = other ? compared.flatMap((field) => difference(field, member, other)) : [];
    return fields.length === 0 ? [] : [{ id: member.id, fields }];
  });
  const [onlyLeft, onlyRight] = [lacking(ours, theirs), lacking(theirs, ours)];
  const partitions = left.listsPartitions && right.listsPartitions ? partitionDifferences(left.ring, right.ring) : [];
  return {
    equal: [onlyLeft, onlyRight, different, partitions].every(({ length }) => length === 0),
    left: { source: left.source, members: left.ring.members.length },
    right: { source: right.source, members: right.ring.members.length },
    onlyLeft,
    onlyRight,
    different,
    partitions,
  };
}

const FIELDS = ['address', 'zone', 'partition', 'state'] as const;

function isNameless({ ring: { members } }: Side): boolean {
  return members.length > 0 && members.every(({ id, address }) => id === address);
}

function byName({ id }: MergedMember): string {
  return id;
}

function byAddress({ address }: MergedMember): string {
  return addressKey(address);
}

/** The members of `these` that `those` have not. */
function lacking(these: ReadonlyMap<string, MergedMember>, those: ReadonlyMap<string, MergedMember>): readonly LoneMember[] {
  return [...these].filter(([key]) => !those.has(key)).map(([, member]) => loneOf(member));
}

function loneOf({ id, address, zone, partition, state }: MergedMember): LoneMember {
  return { id, address, zone, partition, state };
}

/** A source without heartbeats that calls everybody ACTIVE says no more than that they are there. */
function knows({ members }: Ring, field: (typeof FIELDS)[number]): boolean {
  if (field === 'state') return members.some(({ heartbeatMs, state }) => heartbeatMs !== null || state !== 'ACTIVE');
  return members.some((member) => member[field] !== '' && member[field] !== null);
}

function difference(field: (typeof FIELDS)[number], left: MergedMember, right: MergedMember): FieldDifference[] {
  const same = field === 'address' ? addressKey(left.address) === addressKey(right.address) : left[field] === right[field];
  const value = (member: MergedMember): string | number | null => (member[field] === '' ? null : member[field]);
  return same ? [] : [{ field, left: value(left), right: value(right) }];
}

function partitionDifferences(left: Ring, right: Ring): RingComparison['partitions'] {
  const ours = new Map(left.partitions.map(({ id, state }) => [id, state]));
  const theirs = new Map(right.partitions.map(({ id, state }) => [id, state]));
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .sort((a, b) => a - b)
    .map((id) => ({ id, left: ours.get(id) ?? null, right: theirs.get(id) ?? null }))
    .filter((partition) => partition.left !== partition.right);
}

/** The same for people; ends with a newline. */
export function comparisonText({ equal, left, right, onlyLeft, onlyRight, different, partitions }: RingComparison): string {
  const say = (side: { readonly source: string }, value: string | number | null): string => `${value ?? '-'} in ${side.source}`;
  const lines = [
    `${left.source}: ${count(left.members, 'member')}; ${right.source}: ${count(right.members, 'member')}`,
    ...onlyLeft.map((member) => `only in ${left.source}: ${loneText(member)}`),
    ...onlyRight.map((member) => `only in ${right.source}: ${loneText(member)}`),
    ...different.map(
      ({ id, fields }) =>
        `differs: ${id}: ${fields.map((one) => `${one.field} ${say(left, one.left)}, ${say(right, one.right)}`).join('; ')}`,
    ),
    ...partitions.map((one) => `differs: partition ${one.id}: ${say(left, one.left)}, ${say(right, one.right)}`),
    ...(equal ? ['no difference'] : []),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function loneText({ id, address, zone, partition, state }: LoneMember): string {
  return `${id} ${address} ${zone || '(no zone)'} ${partition === null ? 'no partition' : `partition ${partition}`} ${state}`;
}
