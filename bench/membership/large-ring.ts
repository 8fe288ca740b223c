// A ring of any size, and sources that say what they are told.
import { createConfig } from '../../src/config/index.ts';
import { follow } from '../../src/core/index.ts';
import type { RingInput } from '../../src/membership/index.ts';
import type { Member, MembershipSource, Partition, SourceReport } from '../../src/membership/types.ts';

/** Two zones, each partition with an owner in both; the texts are new each time, as if they had been decoded. */
export function largeRing(members: number, heartbeatMs: number): readonly Member[] {
  const text = (value: string): string => Buffer.from(value).toString();
  return Array.from({ length: members }, (_, i) => {
    const [zone, partition] = [`zone-${'ab'[i % 2]}`, i >> 1];
    return {
      id: text(`live-store-${zone}-${partition}`),
      address: text(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}:9096`),
      zone: text(zone),
      partition,
      state: 'ACTIVE',
      heartbeatMs,
      registeredMs: 1_795_260_000_000 + i,
    };
  });
}

export function partitionsOf(members: readonly Member[]): readonly Partition[] {
  const owners = Map.groupBy(members, ({ partition }) => partition ?? 0);
  return [...owners].map(([id, list]) => ({ id, state: 'ACTIVE', owners: list.map((member) => member.id).sort() }));
}

/** A source that says what it is told, as soon as it is told. */
export class PushSource implements MembershipSource {
  readonly name: string;
  #put: (report: SourceReport) => void = () => {};

  constructor(name: string) {
    this.name = name;
  }

  say(members: readonly Member[], partitions: readonly Partition[], asOfMs: number): void {
    this.#put({ kind: 'members', ring: 'live-store', members, partitions, asOfMs });
  }

  watch(signal: AbortSignal): AsyncIterable<SourceReport> {
    return follow<SourceReport>(signal, (put) => {
      this.#put = put;
      return () => Promise.resolve();
    });
  }
}

export function ringInput(sources: readonly MembershipSource[]): RingInput {
  const config = createConfig('bench', { rings: { 'live-store': { sources: [{ static: { file: 'none.yaml' } }] } } }).rings.get(
    'live-store',
  );
  if (!config) throw new Error('no ring');
  return { name: 'live-store', sources, config };
}
