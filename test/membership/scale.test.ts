// Ten times the members may cost some more than ten times as much (caches), never a hundred times: nothing is quadratic.
import t from 'tap';
import { findingsOf } from '../../src/control/report/findings.ts';
import { reportRing, ringFacts } from '../../src/control/report/rings.ts';
import { ringText } from '../../src/control/report/table.ts';
import { egressResources } from '../../src/control/snapshot/egress.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER } from '../../src/control/stage/types.ts';
import { diffRings, isSameContent, mergeRing } from '../../src/membership/index.ts';
import type { Member } from '../../src/membership/types.ts';
import { catalogOf } from '../support/catalog.ts';
import { mergeInput, NOW_MS, reported, speaking } from '../support/membership.ts';

/** A tenth of the members ten times: the same work, were it linear; ten times as much for the whole ring were it quadratic. */
const RATIO = 4;
const ROUNDS = 5;

/** The least CPU time of this thread that `work`, so many times, took, ms. What the clock is too coarse to tell is 5 ms. */
function costMs(work: () => void, times: number): number {
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

/** All that control does with one merge. */
function work(shape: Shape, count: number): () => void {
  const [one, two] = shape(count);
  const first = mergeRing(mergeInput([speaking('tempo', one), speaking('nats', [])]));
  const stage = advanceStage(null, catalogOf(1, first), NOW_MS, LINGER);
  return () => {
    const ring = mergeRing(mergeInput([speaking('tempo', one), speaking('nats', two)], { previous: first, nowMs: NOW_MS + 1 }));
    isSameContent(first, ring);
    diffRings(first, ring);
    const catalog = catalogOf(2, ring);
    const after = advanceStage(stage, catalog, NOW_MS + 1, LINGER);
    const known = { catalog, stage: after, nowMs: NOW_MS + 1 };
    reportRing('live-store', known);
    const facts = ringFacts('live-store', known);
    const staged = after.rings.get('live-store');
    if (!facts || !staged) throw new Error('no ring');
    ringText(
      facts,
      findingsOf(facts, null, () => ''),
      '',
    );
    egressResources(staged, { listen: '127.0.0.1:9096', zone: '' });
  };
}

for (const [name, shape] of Object.entries(SHAPES)) {
  t.test(name, async (t) => {
    const few = costMs(work(shape, 100), 10);
    const many = costMs(work(shape, 1_000), 1);
    t.ok(many <= RATIO * few, `1,000 members cost ${many} ms, 100 ten times ${few} ms`);
  });
}
