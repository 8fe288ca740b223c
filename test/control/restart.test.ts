// Control begins anew while one of its sources is away: what it says to those that begin, and what it does not say to those that run.
import t, { type Test } from 'tap';
import { createConfig } from '../../src/config/index.ts';
import { readinessOf } from '../../src/control/report/readiness.ts';
import { StageDriver } from '../../src/control/stage/driver.ts';
import { MembershipHub } from '../../src/membership/index.ts';
import type { MembershipSource } from '../../src/membership/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NOW_MS, reported } from '../support/membership.ts';
import { ScriptedSource } from '../support/scripted-source.ts';

const RING = 'live-store';
const PARTITIONS = [{ id: 0, state: 'ACTIVE', owners: ['a'] }] as const;

async function startControl(t: Test, sources: readonly MembershipSource[]) {
  const clock = new FakeClock(NOW_MS);
  const deps = { clock, metrics: new MetricRegistry(), logger: silentLogger };
  const config = createConfig('test', { rings: { [RING]: { sources: [{ static: { file: 'x' } }] } } }).rings.get(RING);
  if (!config) throw new Error('no ring');
  const hub = new MembershipHub([{ name: RING, sources, config }], deps);
  const driver = new StageDriver({ catalog: hub.catalog, ...deps });
  t.teardown(async () => {
    await hub.stop();
    await driver.stop();
  });
  await driver.start();
  await hub.start();
  return {
    clock,
    ready: () => readinessOf(hub.catalog.value, driver.stage.value).text,
    served: () => driver.stage.value.rings.get(RING)?.members.map(({ id, phase }) => `${id} ${phase.kind}`),
  };
}

t.test('the ring was read, and what comes after it in the file fails: served after half a minute', async (t) => {
  const [tempo, nats] = [new ScriptedSource('tempo'), new ScriptedSource('nats')];
  const { clock, ready, served } = await startControl(t, [tempo, nats]);
  await tempo.ring([reported('a')], PARTITIONS);
  await nats.fails('nats:4222: connect ECONNREFUSED');
  await clock.advance(29_999);
  t.equal(served(), undefined, 'a sidecar that has more keeps it');
  t.equal(ready(), 'not ready: ring live-store has not been read (nats: nats:4222: connect ECONNREFUSED)');
  await clock.advance(1);
  t.strictSame(served(), ['a present']);
  t.equal(ready(), 'ready');
  await nats.members([reported('b')]);
  t.strictSame(served(), ['a present', 'b present']);
});

t.test('one that only is slow is waited for', async (t) => {
  const [tempo, nats] = [new ScriptedSource('tempo'), new ScriptedSource('nats')];
  const { clock, ready, served } = await startControl(t, [tempo, nats]);
  await tempo.ring([reported('a')], PARTITIONS);
  await clock.advance(3_600_000);
  t.equal(served(), undefined);
  t.equal(ready(), 'not ready: ring live-store has not been read (nats: no answer yet)');
});

t.test('the ring itself cannot be read: what members say of themselves does not stand for it until staleAfter', async (t) => {
  for (const order of [
    ['tempo', 'nats'],
    ['nats', 'tempo'],
  ]) {
    const sources = new Map(order.map((name) => [name, new ScriptedSource(name)]));
    const { clock, served } = await startControl(t, [...sources.values()]);
    await sources.get('tempo')?.fails('down');
    await sources.get('nats')?.members([reported('a')]);
    await clock.advance(599_999);
    t.equal(served(), undefined, 'an Envoy beside a live-store announces nobody');
    await clock.advance(1);
    t.strictSame(served(), ['a present']);
  }
});

t.test('who is waited for no more is not blamed for an empty ring', async (t) => {
  const [file, nats] = [new ScriptedSource('static'), new ScriptedSource('nats')];
  const { clock, ready } = await startControl(t, [file, nats]);
  await file.members([]);
  await nats.fails('down');
  t.equal(ready(), 'not ready: ring live-store has not been read (nats: down)');
  await clock.advance(600_000);
  t.equal(ready(), 'not ready: ring live-store is empty (allowEmpty: true serves it empty)');
});

t.test('when nobody could be read, all are blamed', async (t) => {
  const nats = new ScriptedSource('nats');
  const { clock, ready } = await startControl(t, [nats]);
  await nats.fails('down');
  await clock.advance(600_000);
  t.equal(ready(), 'not ready: ring live-store has not been read (nats: down)');
});
