import { isoTime } from '../../core/index.ts';
import { diffRings } from '../../membership/index.ts';
import type { Disagreement, MergedMember, Ring, RingName, SourceStatus } from '../../membership/types.ts';
import { count } from './count.ts';
import { type DisagreementJson, disagreementJson, disagreementText } from './disagreement.ts';
import { printable } from './printable.ts';

type Changed = ReturnType<typeof diffRings>['changed'][number];

/** The fields of a member that are different, with what each was and is. */
type FieldChange = {
  readonly [Field in Changed['fields'][number]]?: { readonly from: MergedMember[Field]; readonly to: MergedMember[Field] };
};

/** One thing that happened to a ring. The names are those of control's log. */
export type RingChange =
  | ({ readonly event: 'member.joined'; readonly member: string } & Pick<MergedMember, 'address' | 'zone' | 'partition' | 'state'>)
  | { readonly event: 'member.left'; readonly member: string }
  | { readonly event: 'member.changed'; readonly member: string; readonly changed: FieldChange }
  | { readonly event: 'disagreement.began' | 'disagreement.ended'; readonly member: string; readonly disagreement: DisagreementJson }
  | { readonly event: 'source.failed' | 'source.degraded'; readonly source: string; readonly error: string }
  | { readonly event: 'source.recovered' | 'source.expired'; readonly source: string }
  | { readonly event: 'ring.empty_guard' | 'ring.empty_guard_released'; readonly members: number };

/** From one merge of a ring to the next: members in order of id, each with its disagreements, then sources, then the guard. */
export function ringChanges(before: Ring, after: Ring): readonly RingChange[] {
  if (before === after) return [];
  const { added, removed, changed } = diffRings(before, after);
  return [
    ...removed.map(({ id }): RingChange => ({ event: 'member.left', member: id })),
    ...added.map(joined),
    ...changed.map(memberChange),
    ...disagreementChanges(before, after),
    ...after.sources.flatMap((source) =>
      sourceChanges(
        before.sources.find(({ name }) => name === source.name),
        source,
      ),
    ),
    ...guardChange(before, after),
  ];
}

function joined({ id, address, zone, partition, state }: MergedMember): RingChange {
  return { event: 'member.joined', member: id, address, zone, partition, state };
}

function memberChange({ before, after, fields }: Changed): RingChange {
  const changed = Object.fromEntries(fields.map((field) => [field, { from: before[field], to: after[field] }]));
  return { event: 'member.changed', member: after.id, changed };
}

function disagreementChanges(before: Ring, after: Ring): RingChange[] {
  const known = new Map(before.members.map((member) => [member.id, member.disagreements]));
  return after.members.flatMap(({ id, disagreements }) => {
    const former = known.get(id) ?? [];
    return [
      ...beyond(former, disagreements).map(
        (one): RingChange => ({ event: 'disagreement.ended', member: id, disagreement: disagreementJson(one) }),
      ),
      ...beyond(disagreements, former).map(
        (one): RingChange => ({ event: 'disagreement.began', member: id, disagreement: disagreementJson(one) }),
      ),
    ];
  });
}

/** Those of `these` that are not among `those`. */
function beyond(these: readonly Disagreement[], those: readonly Disagreement[]): readonly Disagreement[] {
  const texts = new Set(those.map(disagreementText));
  return these.filter((one) => !texts.has(disagreementText(one)));
}

/** What has never been read did not work: whoever looks has been told so. */
function sourceChanges(before: SourceStatus | undefined, { name, ok, error, expired }: SourceStatus): RingChange[] {
  const gone: RingChange[] = expired && !before?.expired ? [{ event: 'source.expired', source: name }] : [];
  if (before !== undefined && before.ok === ok && before.error === error) return gone;
  if (error !== null) return [{ event: ok ? 'source.degraded' : 'source.failed', source: name, error }, ...gone];
  return ok && before !== undefined ? [{ event: 'source.recovered', source: name }] : gone;
}

function guardChange(before: Ring, after: Ring): RingChange[] {
  if (before.emptyGuard === after.emptyGuard) return [];
  return [{ event: after.emptyGuard ? 'ring.empty_guard' : 'ring.empty_guard_released', members: after.members.length }];
}

/** One line without its end: the time (UTC), the ring unless it is null, whom it is about, what happened. */
export function changeText(change: RingChange, atMs: number, ring: RingName | null): string {
  return printable(`${isoTime(atMs)} ${ring === null ? '' : `ring ${ring}: `}${textOf(change)}`);
}

function textOf(change: RingChange): string {
  switch (change.event) {
    case 'member.joined':
      return `${change.member} joined: ${change.address}, ${placeOf(change)}, ${change.state}`;
    case 'member.left':
      return `${change.member} left`;
    case 'member.changed':
      return `${change.member} changed: ${Object.entries(change.changed).map(fieldText).join('; ')}`;
    case 'disagreement.began':
      return `${change.member} disagreement: ${disagreementText(change.disagreement)}`;
    case 'disagreement.ended':
      return `${change.member} disagreement over: ${disagreementText(change.disagreement)}`;
    case 'source.failed':
      return `source ${change.source} fails: ${change.error}`;
    case 'source.degraded':
      return `source ${change.source} partly fails: ${change.error}`;
    case 'source.recovered':
      return `source ${change.source} works`;
    case 'source.expired':
      return `source ${change.source} has failed for too long; the ring goes on without it`;
    case 'ring.empty_guard':
      return `the sources say that the ring is empty; ${count(change.members, 'member')} kept`;
    case 'ring.empty_guard_released':
      return `the ring has ${count(change.members, 'member')} again, or may be empty`;
  }
}

function placeOf({ zone, partition }: Pick<MergedMember, 'zone' | 'partition'>): string {
  return `${zone === '' ? 'no zone' : zone}, ${partition === null ? 'no partition' : `partition ${partition}`}`;
}

function fieldText([field, { from, to }]: [string, { readonly from: unknown; readonly to: unknown }]): string {
  return `${field} ${valueText(from)} → ${valueText(to)}`;
}

function valueText(value: unknown): string {
  return value === null || value === '' ? '-' : String(value);
}
