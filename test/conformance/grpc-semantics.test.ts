// Each situation once through real Envoy and once through our sidecar, both processes with the same bootstrap: the recorded outcomes are
// Envoy's, and ours are the same but for what differences.ts names.
import t from 'tap';
import { peerHint, peerSkip } from '../support/peers.ts';
import { DIFFERENCES } from './semantics/differences.ts';
import { Stage } from './semantics/play.ts';
import { recordedOutcomes, ringwayOutcome } from './semantics/recorded.ts';
import { ROWS } from './semantics/rows/index.ts';

t.setTimeout(60_000);
const recorded = recordedOutcomes();
const expected = new Map([...recorded].map(([name, outcome]) => [name, ringwayOutcome(name, outcome)]));

t.test('the table', (t) => {
  const names = ROWS.map(({ name }) => name);
  t.strictSame([...recorded.keys()].sort(), [...names].sort(), 'every situation is recorded, once');
  t.strictSame(
    DIFFERENCES.flatMap(({ rows }) => rows).filter((row) => !recorded.has(row)),
    [],
    'differences are of situations that exist',
  );
  t.end();
});

const stage = await Stage.open(ROWS);
t.teardown(() => stage.close());

t.test('Envoy', { skip: peerSkip('envoy') && peerHint('envoy') }, async (t) => {
  const played = await stage.play('envoy', recorded);
  for (const { name, situation } of ROWS) t.strictSame(played.get(name), recorded.get(name), `${name}: ${situation}`);
});

t.test('Ringway', async (t) => {
  const played = await stage.play('ringway', expected);
  for (const { name, situation } of ROWS) t.strictSame(played.get(name), expected.get(name), `${name}: ${situation}`);
});
