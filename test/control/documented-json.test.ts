// docs/guide/rings-as-json.md shows what programs get: each of its examples is what comes out of this one ring.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ringChanges } from '../../src/control/report/changes.ts';
import { compareSources } from '../../src/control/report/comparison.ts';
import { reportRing, reportRings } from '../../src/control/report/rings.ts';
import { describeRing } from '../../src/control/report/show.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER } from '../../src/control/stage/types.ts';
import { mergeRing, type SourceState } from '../../src/membership/index.ts';
import type { Ring } from '../../src/membership/types.ts';
import { catalogOf } from '../support/catalog.ts';
import { mergeInput, NOW_MS, reported, speaking } from '../support/membership.ts';

const page = readFileSync(new URL('../../docs/guide/rings-as-json.md', import.meta.url), 'utf8');
/** The first JSON block after a heading that begins so: one value, or one a line. */
function shown(heading: string): unknown {
  const section = page.slice(page.indexOf(`\n## ${heading}`));
  const block = /```json\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
  try {
    return JSON.parse(block);
  } catch {
    return block
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

const partitions = [{ id: 0, state: 'ACTIVE' as const, owners: ['live-store-zone-a-0', 'live-store-zone-b-0'] }];
const a = reported('live-store-zone-a-0', { address: '10.0.1.7:9096' });
const b = reported('live-store-zone-b-0', { address: '[::]:9096', zone: 'zone-b' });
const nats = speaking('nats', [{ ...a, zone: 'zone-x', heartbeatMs: NOW_MS - 1000 }]);
const merged = (tempo: SourceState, previous: Ring | null = null): Ring => mergeRing(mergeInput([tempo, nats], { previous }));
const ring = merged(speaking('tempo', [a, b], partitions));
const catalog = catalogOf(42, ring);
const facts = { catalog, stage: advanceStage(null, catalog, NOW_MS, LINGER), nowMs: NOW_MS };

t.test('GET /api/rings', async (t) => {
  t.strictSame(shown('GET /api/rings'), reportRings(facts));
});

t.test('GET /api/rings/{ring}', async (t) => {
  const report = reportRing('live-store', facts);
  t.strictSame(shown('GET /api/rings/{ring}'), { ...report, members: report?.members.slice(0, 1) });
});

t.test('ring show --json', async (t) => {
  const { partitions: owned, findings } = describeRing('live-store', catalog, NOW_MS, null, null).json;
  t.strictSame(shown('ringway ring show'), { partitions: owned, findings: findings.slice(0, 1) });
});

t.test('ring watch --json', async (t) => {
  const down: SourceState = { ...speaking('tempo', [a, b], partitions), failure: { sinceMs: NOW_MS, error: 'connect ECONNREFUSED' } };
  const agreed = merged(speaking('tempo', [{ ...a, zone: 'zone-x' }], partitions), ring);
  const changes = [...ringChanges(ring, agreed), ...ringChanges(ring, merged(down, ring))];
  t.strictSame(
    shown('ringway ring watch'),
    changes.map((change) => ({ time: '2026-11-21T11:36:10.000Z', ring: 'live-store', ...change })),
  );
});

t.test('ring diff --json', async (t) => {
  const alone = (source: SourceState): Ring => mergeRing(mergeInput([source]));
  const comparison = compareSources(
    { source: 'tempo', ring: alone(speaking('tempo', [a, b], partitions)), listsPartitions: true },
    { source: 'nats', ring: alone(nats), listsPartitions: false },
  );
  t.strictSame(shown('ringway ring diff'), comparison);
});
