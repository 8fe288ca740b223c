// Each situation once through real Envoy and once through our sidecar, both processes with the same bootstrap: the recorded outcomes are
// Envoy's, and ours are the same but for what differences.ts names.
import t from 'tap';
import { peerSkip } from '../support/peers.ts';
import { startSidecar } from '../support/sidecar.ts';
import { bootstrapOf } from './semantics/bootstrap.ts';
import { DIFFERENCES } from './semantics/differences.ts';
import { Stage } from './semantics/play.ts';
import { recordedOutcomes, ringwayOutcome } from './semantics/recorded.ts';
import { GROUPS, REFUSED } from './semantics/rows/index.ts';
import type { Outcome, Row } from './semantics/types.ts';

t.setTimeout(60_000);
const recorded = recordedOutcomes();

t.test('the table', (t) => {
  const names = [...GROUPS, { rows: REFUSED }].flatMap(({ rows }) => rows.map(({ name }) => name));
  t.strictSame([...recorded.keys()].sort(), [...names].sort(), 'every situation is recorded, and no other');
  const unknown = DIFFERENCES.flatMap(({ rows }) => rows).filter((row) => !recorded.has(row));
  t.strictSame(unknown, [], 'differences are of situations that exist');
  t.end();
});

for (const { rows, runtime } of GROUPS) {
  const theirs = recordedOf(rows);
  const ours = new Map([...theirs].map(([name, outcome]) => [name, ringwayOutcome(name, outcome)]));
  const title = runtime ?? 'defaults of the runtime';
  const stage = await Stage.open(rows, runtime);
  t.teardown(() => stage.close());

  t.test(`Envoy, ${title}`, { skip: peerSkip('envoy') }, async (t) => {
    const played = await stage.play('envoy', theirs);
    for (const row of rows) t.strictSame(played.get(row.name), theirs.get(row.name), said(row));
  });

  t.test(`Ringway, ${title}`, async (t) => {
    const played = await stage.play('ringway', ours);
    for (const row of rows) t.strictSame(played.get(row.name), ours.get(row.name), said(row));
  });
}

t.test('Envoy, what Ringway refuses', { skip: peerSkip('envoy') }, async (t) => {
  const stage = await Stage.open(REFUSED);
  const played = await stage.play('envoy', recordedOf(REFUSED));
  await stage.close();
  for (const row of REFUSED) t.strictSame(played.get(row.name), recorded.get(row.name), said(row));
});

t.test('Ringway refuses it by name', async (t) => {
  for (const row of REFUSED) {
    const yaml = bootstrapOf([row], new Map([[row.name, 1]]), '/dev/null');
    await t.rejects(startSidecar(yaml), { message: `static listener ${row.name}: ${row.refusal}` }, said(row));
  }
});

function recordedOf(rows: readonly Row[]): Map<string, Outcome> {
  return new Map(rows.map(({ name }) => [name, recorded.get(name)!]));
}

function said({ name, situation }: Row): string {
  return `${name}: ${situation}`;
}
