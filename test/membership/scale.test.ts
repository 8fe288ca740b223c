// Ten times the members may cost some more than ten times as much (caches), never a hundred times: nothing is quadratic.
import t from 'tap';
import { findingsOf } from '../../src/control/report/findings.ts';
import type { RingFacts } from '../../src/control/report/member.ts';
import { reportRing, ringFacts } from '../../src/control/report/rings.ts';
import { ringText } from '../../src/control/report/table.ts';
import { egressResources } from '../../src/control/snapshot/egress.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type RingStage } from '../../src/control/stage/types.ts';
import { diffRings, isSameContent, mergeRing } from '../../src/membership/index.ts';
import type { Member, Ring } from '../../src/membership/types.ts';
import { catalogOf } from '../support/catalog.ts';
import { mergeInput, NOW_MS, reported, speaking } from '../support/membership.ts';

/** A tenth of the members ten times: the same work, were it linear; ten times as much for the whole ring were it quadratic. */
const RATIO = 4;
const ROUNDS = 3;

/** The least CPU time of this thread that `work`, so many times, took, ms. What the clock is too coarse to tell is 5 ms. */
function costMs(work: () => unknown, times: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.threadCpuUsage();
    for (let i = 0; i < times; i += 1) work();
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return Math.max(least, 5);
}

/** Two zones; `partitionOf` says who owns what. */
function members(count: number, partitionOf: (i: number) => number, fields: Partial<Member> = {}): readonly Member[] {
  return Array.from({ length: count }, (_, i) =>
    reported(`live-store-${i}`, {
      address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:9096`,
      zone: `zone-${'ab'[i % 2]}`,
      partition: partitionOf(i),
      ...fields,
    }),
  );
}

type Shape = (count: number) => readonly [readonly Member[], readonly Member[]];

/** What two sources say: as it should be, and in the worst ways. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'two owners a partition': (count) => [members(count, (i) => i >> 1), members(count, (i) => i >> 1, { heartbeatMs: NOW_MS })],
  'one partition for all': (count) => [members(count, () => 0), members(count, () => 0, { heartbeatMs: NOW_MS })],
  'a zone for each, all in one partition': (count) => {
    const said = members(count, () => 0).map((member, i) => ({ ...member, zone: `zone-${i}` }));
    return [said, said];
  },
  'one address for all': (count) => [members(count, (i) => i >> 1, { address: '10.0.0.1:1' }), []],
  'nobody in common': (count) => [
    members(count, (i) => i >> 1),
    members(count, (i) => i).map((member) => ({ ...member, id: `x-${member.id}` })),
  ],
};

/** What control does with one merge, part by part. */
function parts(shape: Shape, count: number): Readonly<Record<string, () => unknown>> {
  const [one, two] = shape(count);
  const merge = (nats: readonly Member[], previous: Ring | null): Ring =>
    mergeRing(mergeInput([speaking('tempo', one), speaking('nats', nats)], { previous, nowMs: NOW_MS + 1 }));
  const first = merge([], null);
  const ring = merge(two, first);
  const before = advanceStage(null, catalogOf(1, first), NOW_MS, LINGER);
  const advance = () => advanceStage(before, catalogOf(2, ring), NOW_MS + 1, LINGER);
  const known = { catalog: catalogOf(2, ring), stage: advance(), nowMs: NOW_MS + 1 };
  const facts = ringFacts('live-store', known) as RingFacts;
  const staged = known.stage.rings.get('live-store') as RingStage;
  return {
    merge: () => merge(two, first),
    compare: () => [isSameContent(first, ring), diffRings(first, ring)],
    stage: advance,
    report: () => reportRing('live-store', known),
    text: () =>
      ringText(
        facts,
        findingsOf(facts, null, () => ''),
        '',
      ),
    snapshot: () => egressResources(staged, { listen: '127.0.0.1:9096', zone: '' }),
  };
}

for (const [name, shape] of Object.entries(SHAPES)) {
  t.test(name, async (t) => {
    const [few, many] = [parts(shape, 200), parts(shape, 2_000)];
    for (const [part, work] of Object.entries(many)) {
      const [whole, tenths] = [costMs(work, 1), costMs(few[part] as () => unknown, 10)];
      t.ok(whole <= RATIO * tenths, `${part}: 2,000 members cost ${whole} ms, 200 ten times ${tenths} ms`);
    }
  });
}
