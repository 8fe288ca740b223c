import type { MetricRegistry } from '../telemetry/index.ts';
import type { MergedMember, RingName } from './types.ts';

/** A ring of which two sources say different things altogether must not flood what scrapes us. */
const MAX_SERIES = 1000;
/** Label values come from the network; ids that long are refused anyway. */
const MAX_LABEL = 253;

/** One gauge for each member and reason while sources disagree, and how many there are in all. */
export class DisagreementTelemetry {
  readonly #ring: RingName;
  readonly #metrics: MetricRegistry;
  #shown: ReadonlySet<string> = new Set();

  constructor(ring: RingName, metrics: MetricRegistry) {
    this.#ring = ring;
    this.#metrics = metrics;
  }

  record(members: readonly MergedMember[]): void {
    const all = new Map<string, { readonly member: string; readonly reason: string }>();
    for (const { id, disagreements } of members) {
      const member = id.slice(0, MAX_LABEL);
      for (const { reason } of disagreements) all.set(`${reason} ${member}`, { member, reason });
    }
    this.#total(all.size);
    const shown = new Map([...all].slice(0, MAX_SERIES));
    for (const { member, reason } of shown.values()) this.#series(member, reason).set(1);
    this.#forget(new Set(shown.keys()));
  }

  #total(count: number): void {
    this.#metrics
      .gauge({
        name: 'ringway_ring_disagreements',
        labels: { ring: this.#ring },
        help: 'How many series ringway_member_disagreement has or, beyond 1000 a ring, would have.',
      })
      .set(count);
  }

  #series(member: string, reason: string): ReturnType<MetricRegistry['gauge']> {
    return this.#metrics.gauge({
      name: 'ringway_member_disagreement',
      labels: { ring: this.#ring, member, reason },
      help: '1 while a source says something else of a member than the merged ring: state, heartbeat, address, zone, partition, missing, address_claimed_twice. At most 1000 a ring.',
    });
  }

  #forget(shown: ReadonlySet<string>): void {
    const ended = new Set([...this.#shown].filter((key) => !shown.has(key)));
    this.#shown = shown;
    if (ended.size === 0) return;
    this.#metrics.remove(
      ({ name, labels }) =>
        name === 'ringway_member_disagreement' && labels?.['ring'] === this.#ring && ended.has(`${labels['reason']} ${labels['member']}`),
    );
  }
}
