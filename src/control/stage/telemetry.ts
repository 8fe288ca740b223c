import type { Catalog } from '../../membership/types.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import { findConflicts } from './claims.ts';
import type { RingStage, Stage } from './types.ts';

const PHASES = ['present', 'leaving', 'unrouted'] as const;

/** Counts and logs what the catalog alone does not tell: who lingers, and who has an address that another ring has too. */
export class StageTelemetry {
  readonly #logger: Logger;
  readonly #metrics: MetricRegistry;
  #told: ReadonlySet<string> = new Set();
  #catalogVersion: number | null = null;

  constructor(logger: Logger, metrics: MetricRegistry) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  record(before: Stage, after: Stage, catalog: Catalog): void {
    for (const [name, ring] of after.rings) {
      const former = before.rings.get(name);
      if (former !== ring) this.#ring(former, ring);
    }
    for (const name of before.rings.keys()) if (!after.rings.has(name)) this.#forget(name);
    if (catalog.version !== this.#catalogVersion) this.#conflicts(catalog);
    this.#catalogVersion = catalog.version;
  }

  #ring(before: RingStage | undefined, after: RingStage): void {
    for (const phase of PHASES) {
      const labels = { ring: after.name, phase };
      const help = 'Members that have a cluster: present in the ring, leaving (still called), or unrouted (about to go).';
      this.#metrics
        .gauge({ name: 'ringway_stage_members', labels, help })
        .set(after.members.filter(({ phase: { kind } }) => kind === phase).length);
    }
    const now = new Map(after.members.map((member) => [member.id, member.phase.kind]));
    for (const { id, phase } of before?.members ?? []) {
      const fields = { ring: after.name, member: id };
      const kind = now.get(id);
      if (kind === undefined) this.#logger.info('member.removed', fields, 'the cluster of a member that left is gone');
      else if (kind === 'unrouted' && phase.kind !== 'unrouted')
        this.#logger.info('member.unrouted', fields, 'no route leads to the member any more');
    }
  }

  #forget(ring: string): void {
    this.#metrics.remove(({ name, labels: { ring: labelled } = {} }) => /^ringway_(stage|address)_/.test(name) && labelled === ring);
  }

  #conflicts(catalog: Catalog): void {
    const conflicts = findConflicts(catalog);
    const told = new Set<string>();
    for (const ring of catalog.rings.keys()) {
      const ofRing = conflicts.get(ring) ?? new Map<string, string>();
      const help = 'Members without a route because another ring has their address.';
      this.#metrics.gauge({ name: 'ringway_address_conflicts', labels: { ring }, help }).set(ofRing.size);
      for (const [member, reason] of ofRing) {
        told.add(`${ring} ${member} ${reason}`);
        if (!this.#told.has(`${ring} ${member} ${reason}`))
          this.#logger.error('member.address_conflict', { ring, member }, `${member}: ${reason}`);
      }
    }
    this.#told = told;
  }
}
