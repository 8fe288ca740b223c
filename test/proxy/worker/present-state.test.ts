// A worker that starts late is brought to where the first process is.
import t, { type Test } from 'tap';
import { presentState } from '../../../src/proxy/worker/present-state.ts';
import { type FakeResource, type FakeRuntime, fakeDataPlane, fakeUpdate } from '../../support/fake-data-plane.ts';

const cluster = (name: string, more: Partial<FakeResource> = {}): FakeResource => ({ name, endpoints: [name], ...more });

/** What serves and what warms, as `kind name#tag`. */
function standing(runtime: FakeRuntime): string[] {
  const { versions: _, ...parts } = runtime.resources();
  return Object.entries(parts)
    .flatMap(([kind, entries]) =>
      entries.flatMap(({ name, active, warming, leavingSinceMs }) => [
        active ? `${kind} ${name} ${active.version}${leavingSinceMs === null ? '' : ' leaving'}` : '',
        warming ? `${kind} ${name} ${warming.version} warming` : '',
      ]),
    )
    .filter((line) => line !== '')
    .sort();
}

async function follower(t: Test, first: FakeRuntime): Promise<ReturnType<typeof fakeDataPlane>> {
  const late = fakeDataPlane();
  await late.runtime.start();
  for (const update of presentState(first.resources(), first.phase.value)) t.strictSame(await late.runtime.apply(update), []);
  return late;
}

t.test('what serves, what warms, and what leaves', async (t) => {
  const { runtime } = fakeDataPlane();
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [cluster('a'), cluster('b'), cluster('old')]));
  await runtime.apply(fakeUpdate('endpoint', [{ name: 'a' }, { name: 'b' }, { name: 'old' }]));
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', routes: ['r'] }]));
  await runtime.apply(fakeUpdate('route', [{ name: 'r', clusters: ['a', 'old'] }]));
  t.equal(runtime.phase.value, 'live');
  // a cluster that routes still name, another that has not resolved, a listener whose routes have not come
  await runtime.apply(fakeUpdate('cluster', [cluster('b', { tag: '2', cold: true })], ['old']));
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', tag: '2', routes: ['s'] }]));
  const expected = [
    'clusters a 1',
    'clusters b 1',
    'clusters b 2 warming',
    'clusters old 1 leaving',
    'endpoints a 1',
    'endpoints b 1',
    'endpoints old 1',
    'listeners in 1',
    'listeners in 2 warming',
    'routes r 1',
  ];
  t.strictSame(standing(runtime), expected);
  const late = await follower(t, runtime);
  t.strictSame(standing(late.runtime), expected);
  t.equal(late.runtime.phase.value, 'live');
  t.ok(late.log.indexOf('serve in') > late.log.indexOf('assign a'), 'nothing serves before what it needs');

  // from here on both are told the same
  for (const each of [runtime, late.runtime]) await each.apply(fakeUpdate('route', [{ name: 's', clusters: ['a'] }]));
  t.strictSame(standing(late.runtime), standing(runtime));
  t.ok(standing(runtime).includes('listeners in 2'));
  runtime.stop();
  late.runtime.stop();
});

t.test('nobody waits for what the first process has given up', async (t) => {
  const { runtime, clock } = fakeDataPlane();
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [cluster('a')]));
  await clock.advance(15_000);
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', routes: ['r'] }]));
  await clock.advance(15_000);
  t.equal(runtime.phase.value, 'live');
  const late = await follower(t, runtime);
  t.equal(late.runtime.phase.value, 'live', 'at once');
  t.strictSame(standing(late.runtime), ['clusters a 1', 'listeners in 1']);
  runtime.stop();
  late.runtime.stop();
});

t.test('what was never answered is still awaited', async (t) => {
  const silent = fakeDataPlane();
  await silent.runtime.start();
  t.strictSame(presentState(silent.runtime.resources(), silent.runtime.phase.value), []);
  await silent.clock.advance(15_000);
  t.equal(silent.runtime.phase.value, 'listeners');
  const late = await follower(t, silent.runtime);
  t.equal(late.runtime.phase.value, 'listeners');
  await silent.clock.advance(15_000);
  t.equal((await follower(t, silent.runtime)).runtime.phase.value, 'live');
  silent.runtime.stop();
});
