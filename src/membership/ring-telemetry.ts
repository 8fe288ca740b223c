import type { Logger, MetricRegistry } from '../telemetry/index.ts';
import { diffRings, type MemberChange } from './diff.ts';
import { DisagreementTelemetry } from './disagreement-telemetry.ts';
import type { SourceState } from './merge-input.ts';
import type { MemberState, MergedMember, Ring, RingName } from './types.ts';

const STATES: readonly MemberState[] = ['ACTIVE', 'LEAVING', 'PENDING', 'JOINING'];

/** More than these at once are one line: a large ring when control starts, a source that comes and goes. */
const MANY = 100;

/** Metrics and log lines of one ring. Events: `member.*`, `source.*`, `ring.*`. */
export class RingTelemetry {
  readonly #name: RingName;
  readonly #logger: Logger;
  readonly #metrics: MetricRegistry;
  readonly #disagreements: DisagreementTelemetry;

  constructor(name: RingName, { logger, metrics }: { readonly logger: Logger; readonly metrics: MetricRegistry }) {
    this.#name = name;
    this.#logger = logger.child({ ring: name });
    this.#metrics = metrics;
    this.#disagreements = new DisagreementTelemetry(name, metrics);
  }

  /** After a report of one source. */
  source(before: SourceState, after: SourceState): void {
    const labels = { ring: this.#name, source: after.name };
    const failed = this.#metrics.counter({ name: 'ringway_source_errors_total', labels, help: 'Reads of a source that failed.' });
    const up = this.#metrics.gauge({ name: 'ringway_source_up', labels, help: 'Whether the last read of a source was good.' });
    up.set(after.failure === null ? 1 : 0);
    if (after.failure !== null) failed.inc();
    if (after.failure !== null && after.failure.error !== before.failure?.error)
      this.#logger.warn(
        'source.failed',
        { source: after.name, error: after.failure.error },
        'a source of the ring fails; its last report is kept',
      );
    if (after.failure === null && before.failure !== null)
      this.#logger.info('source.recovered', { source: after.name }, 'a source of the ring works again');
    const warning = after.report?.warning;
    if (after.failure === null && warning !== undefined && warning !== before.report?.warning)
      this.#logger.warn('source.degraded', { source: after.name, error: warning }, 'a part of a source of the ring fails');
  }

  /** After a merge whose content differs, and after the first. */
  ring(before: Ring, after: Ring): void {
    this.#count(after);
    this.#disagreements.record(after.members);
    const { added, removed, changed } = diffRings(before, after);
    if (added.length > MANY) this.#logger.info('members.joined', counted(added), 'many members joined the ring');
    else for (const member of added) this.#joined(member);
    if (removed.length > MANY) this.#logger.info('members.left', { count: removed.length }, 'many members left the ring');
    else for (const member of removed) this.#logger.info('member.left', fieldsOf(member), 'a member left the ring');
    if (changed.length > MANY)
      this.#logger.info('members.changed', counted(changed.map((change) => change.after)), 'many members of the ring changed');
    else for (const change of changed) this.#changed(change);
    this.#guard(before, after);
    for (const { name, expired } of after.sources) {
      if (!expired || before.sources.some((source) => source.name === name && source.expired)) continue;
      this.#logger.warn('source.expired', { source: name }, 'a source has failed for too long; the ring goes on without it');
    }
  }

  #joined(member: MergedMember): void {
    this.#logger.info('member.joined', fieldsOf(member), 'a member joined the ring');
    if (member.refused !== null) this.#refused(member);
    if (member.spared !== null) this.#spared(member);
  }

  #changed({ before, after, fields }: MemberChange): void {
    const from = Object.fromEntries(fields.map((field) => [field, before[field]]));
    this.#logger.info('member.changed', { ...fieldsOf(after), changed: fields, from }, 'a member of the ring changed');
    if (after.refused !== null && after.refused !== before.refused) this.#refused(after);
    if (after.spared !== null && after.spared !== before.spared) this.#spared(after);
  }

  #spared(member: MergedMember): void {
    this.#logger.warn(
      'member.spared',
      { member: member.id, reason: member.spared },
      'a member that is not ready is asked: its partition has nobody else',
    );
  }

  #refused(member: MergedMember): void {
    this.#logger.warn('member.refused', { member: member.id, reason: member.refused }, 'a member gets no traffic: its address is refused');
  }

  #guard(before: Ring, after: Ring): void {
    const kept = { members: after.members.length };
    if (after.emptyGuard && !before.emptyGuard && kept.members === 0)
      this.#logger.warn('ring.empty', {}, 'the ring is empty; it is served once it has members (allowEmpty: true serves it empty)');
    else if (after.emptyGuard && !before.emptyGuard)
      this.#logger.error(
        'ring.empty_guard',
        kept,
        'the ring was suddenly empty; the last members are kept (allowEmpty: true lets it be empty)',
      );
    if (!after.emptyGuard && before.emptyGuard)
      this.#logger.info('ring.empty_guard_released', kept, 'the ring has members again, or may be empty');
  }

  #count(ring: Ring): void {
    const labels = { ring: this.#name };
    const states = Map.groupBy(ring.members, (member) => member.state);
    for (const state of STATES) {
      const members = this.#metrics.gauge({
        name: 'ringway_ring_members',
        labels: { ...labels, state },
        help: 'Members of a ring by state.',
      });
      members.set(states.get(state)?.length ?? 0);
    }
    this.#metrics.gauge({ name: 'ringway_ring_partitions', labels, help: 'Partitions of a ring.' }).set(ring.partitions.length);
    const help = 'Whether a ring is empty and not believed to be: its last members, if it had any, are kept.';
    this.#metrics.gauge({ name: 'ringway_ring_empty_guard', labels, help }).set(ring.emptyGuard ? 1 : 0);
  }
}

function fieldsOf({ id, address, zone, partition, state, unhealthy }: MergedMember): Readonly<Record<string, unknown>> {
  return { member: id, address, zone, partition, state, unhealthy };
}

function counted(members: readonly MergedMember[]): Readonly<Record<string, unknown>> {
  return {
    count: members.length,
    refused: members.filter(({ refused }) => refused !== null).length,
    unhealthy: members.filter(({ unhealthy }) => unhealthy !== null).length,
  };
}
