import fc from 'fast-check';
import t from 'tap';
import { changeText, ringChanges } from '../../src/control/report/changes.ts';
import { compareSources, comparisonText } from '../../src/control/report/comparison.ts';
import { findingsOf } from '../../src/control/report/findings.ts';
import { reportRing, reportRings, ringFacts } from '../../src/control/report/rings.ts';
import { ringText } from '../../src/control/report/table.ts';
import { buildSnapshot } from '../../src/control/source.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type Stage } from '../../src/control/stage/types.ts';
import { createAddressJudge, mergeRing, nextMergeMs, type SourceState } from '../../src/membership/index.ts';
import type { Member, Ring } from '../../src/membership/types.ts';
import { catalogOf } from '../support/catalog.ts';
import { mergeInput, NOW_MS, POLICY } from '../support/membership.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const times = fc.oneof(
  fc.constantFrom(null, 0, -1, NOW_MS, NOW_MS + 1, NOW_MS + 1e12, -9e15, 9e15, 2 ** 63, -(2 ** 63), Number.POSITIVE_INFINITY),
  fc.integer(),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('a', 'b', '__proto__', '', '\u001b[2J', '\u202e', 'x'.repeat(500)),
);
const addresses = fc.oneof(
  text,
  fc.constantFrom(
    '10.0.0.1:1',
    '10.0.0.2:1',
    '10.0.0.5:18000',
    '10.0.0.5:9',
    '[::]:1',
    '0.0.0.0:1',
    '[::ffff:10.0.0.1]:1',
    '[fe80::1%eth0]:1',
    'X.example:1',
    'x.example.:1',
    ':1',
    '10.0.0.1:99999',
  ),
);
const members: fc.Arbitrary<Member[]> = fc.array(
  fc.record(
    {
      id: text,
      address: addresses,
      zone: text,
      partition: fc.constantFrom(null, 0, 1, -1, 2 ** 31 - 1, 1e15),
      state: fc.constantFrom('ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT'),
      heartbeatMs: times,
      registeredMs: times,
    },
    { noNullPrototype: true },
  ),
  { maxLength: 6 },
);
const sources = fc.array(fc.tuple(members, fc.boolean(), text), { minLength: 1, maxLength: 3 }).map((list) =>
  list.map(
    ([said, fails, error], i): SourceState => ({
      name: `s${i}`,
      report: {
        kind: 'members',
        ring: 'live-store',
        members: said,
        partitions: said.map(({ id, partition }) => ({ id: partition ?? 7, state: 'PENDING', owners: [id, 'nobody'] })),
        asOfMs: NOW_MS,
      },
      failure: fails ? { sinceMs: NOW_MS - 1, error } : null,
    }),
  ),
);

const own = { machine: ['10.0.0.5'], listeners: [{ what: 'xDS port', listen: { host: '', port: 18000 } }] };
const policy = { ...POLICY, judge: createAddressJudge(null, own) };

/** Everything control says of a ring, as one text. */
function everything(before: Ring, ring: Ring, stage: Stage, nowMs: number): string {
  const facts = { catalog: catalogOf(1, ring), stage, nowMs };
  const found = ringFacts(ring.name, facts);
  if (!found) throw new Error('no ring');
  const findings = findingsOf(
    found,
    new Map(
      ring.members
        .slice(0, 1)
        .filter(({ refused }) => refused === null)
        .map(({ id }) => [id, 'no']),
    ),
    () => '',
  );
  const compared = compareSources({ source: 'a', ring: before, listsPartitions: true }, { source: 'b', ring, listsPartitions: true });
  JSON.stringify([reportRings(facts), reportRing(ring.name, facts), compared]);
  const changes = ringChanges(before, ring);
  for (const change of changes) JSON.parse(JSON.stringify(change));
  return [ringText(found, findings, ''), comparisonText(compared), ...changes.map((change) => changeText(change, nowMs, ring.name))].join(
    '\n',
  );
}

t.test('whatever sources say: no crash, nobody who is refused in a snapshot, no line that is not ours', async () => {
  fc.assert(
    fc.property(fc.array(sources, { minLength: 1, maxLength: 3 }), (reports) => {
      let [before, stage, nowMs]: [Ring | null, Stage | null, number] = [null, null, NOW_MS];
      for (const said of reports) {
        const input = mergeInput(said, { policy, nowMs, previous: before });
        const ring: Ring = mergeRing(input);
        const nextMs = nextMergeMs(input, ring);
        if (nextMs !== null && !(nextMs > nowMs)) throw new Error(`merge again at ${nextMs}`);
        stage = advanceStage(stage, catalogOf(1, ring), nowMs, LINGER);
        const refused = new Set(ring.members.filter((member) => member.refused !== null).map(({ id }) => id));
        const staged = stage.rings.get(ring.name);
        if (staged?.members.some(({ id, phase }) => phase.kind === 'present' && refused.has(id)))
          throw new Error('a refused member is routed');
        if (staged) buildSnapshot(staged, { listen: '127.0.0.1:9096', zone: '' });
        const told = everything(before ?? ring, ring, stage, nowMs);
        if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(told.replaceAll('\n', ''))) throw new Error('a text that steers');
        before = ring;
        nowMs += 61_000;
      }
    }),
    { seed, numRuns: 500 },
  );
});
