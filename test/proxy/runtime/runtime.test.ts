import t from 'tap';
import type { Interests } from '../../../src/xds/client/index.ts';
import { TYPE_URLS } from '../../../src/xds/types.ts';
import { type FakeResource, fakeBytes, fakeDataPlane, fakeUpdate } from '../../support/fake-data-plane.ts';

const cluster = (name: string, more: Partial<FakeResource> = {}): FakeResource => ({ name, endpoints: [name], ...more });
const fixed = (resource: FakeResource): { name: string; version: string; value: Uint8Array } => ({
  name: resource.name,
  version: '',
  value: fakeBytes(resource),
});

function namesWanted(interests: Interests, typeUrl: string): string[] | 'all' | undefined {
  const interest = interests.get(typeUrl);
  return interest?.kind === 'names' ? [...interest.names] : interest?.kind;
}

t.test('asks for clusters, then their endpoints, then listeners, then routes, and is live', async (t) => {
  const { runtime, log } = fakeDataPlane();
  await runtime.start();
  t.equal(namesWanted(runtime.interests.value, TYPE_URLS.cluster), 'all');
  t.equal(namesWanted(runtime.interests.value, TYPE_URLS.listener), undefined);

  await runtime.apply(fakeUpdate('cluster', [cluster('a')]));
  t.strictSame(namesWanted(runtime.interests.value, TYPE_URLS.endpoint), ['a']);
  t.equal(runtime.phase.value, 'clusters');
  t.equal(runtime.config.value.clusters.size, 0);
  t.strictSame(
    runtime.waiting().map(({ name, waitsFor }) => [name, waitsFor]),
    [['a', 'endpoints "a" (EDS)']],
  );

  await runtime.apply(fakeUpdate('endpoint', [{ name: 'a' }]));
  t.equal(runtime.phase.value, 'listeners');
  t.strictSame([...runtime.config.value.clusters.keys()], ['a']);
  t.equal(namesWanted(runtime.interests.value, TYPE_URLS.listener), 'all');

  await runtime.apply(fakeUpdate('listener', [{ name: 'in', routes: ['r'] }]));
  t.strictSame(namesWanted(runtime.interests.value, TYPE_URLS.route), ['r']);
  t.strictSame(
    log.filter((line) => line.endsWith(' in')),
    ['bind in'],
    'bound, not serving',
  );

  await runtime.apply(fakeUpdate('route', [{ name: 'r', clusters: ['a'] }]));
  t.equal(runtime.phase.value, 'live');
  t.strictSame([...runtime.config.value.routes.keys()], ['r']);
  t.strictSame(
    log.filter((line) => line.endsWith(' in')),
    ['bind in', 'serve in'],
  );
  runtime.stop();
});

t.test('a static listener serves at once, whatever control does', async (t) => {
  const { runtime, log, clock } = fakeDataPlane({ cds: { initialFetchTimeoutMs: 250 }, lds: null });
  runtime.load({ clusters: [fixed({ name: 'local' })], listeners: [fixed({ name: 'in', clusters: ['local'], clustersMustExist: true })] });
  t.strictSame(log, [], 'loading starts nothing');
  await runtime.start();
  t.strictSame(log, ['bind in', 'start local', 'serve in']);
  t.equal(runtime.phase.value, 'clusters', 'the first CDS answer is awaited');
  await clock.advance(250);
  t.equal(runtime.phase.value, 'live');
  runtime.stop();
});

t.test('a static listener whose routes name a cluster that CDS may bring waits for it', async (t) => {
  const { runtime, log } = fakeDataPlane({ lds: null });
  runtime.load({ clusters: [], listeners: [fixed({ name: 'in', clusters: ['later'] })] });
  await runtime.start();
  t.strictSame(
    runtime.waiting().map(({ waitsFor }) => waitsFor),
    ['cluster "later" (CDS)'],
  );
  await runtime.apply(fakeUpdate('cluster', [{ name: 'later' }]));
  t.strictSame(log, ['bind in', 'start later', 'serve in']);
  t.equal(runtime.phase.value, 'live');
  runtime.stop();
});

t.test('refuses what the bootstrap may not contain', async (t) => {
  const load = (clusters: FakeResource[], listeners: FakeResource[] = []): void =>
    fakeDataPlane().runtime.load({ clusters: clusters.map(fixed), listeners: listeners.map(fixed) });
  t.throws(() => load([{ name: 'x' }, { name: 'x' }]), { code: 'CONFIG', message: "duplicate cluster 'x' in static_resources" });
  t.throws(() => load([{ name: 'x', broken: 'no' }]), { code: 'CONFIG', message: 'static cluster x: field: no' });
  t.throws(() => load([{ name: 'x' }], [{ name: 'in', clusters: ['y'], clustersMustExist: true }]), {
    message: "static listener in: route: unknown cluster 'y'",
  });
});

t.test('an address that cannot be bound fails the start when static and is a refusal when dynamic', async (t) => {
  const first = fakeDataPlane();
  first.runtime.load({ clusters: [], listeners: [fixed({ name: 'in', unbindable: 'cannot bind' })] });
  await t.rejects(first.runtime.start(), { code: 'BIND', message: "listener 'in': cannot bind" });

  const { runtime, log } = fakeDataPlane({ cds: null });
  await runtime.start();
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', tag: '1' }]));
  const failures = await runtime.apply(fakeUpdate('listener', [{ name: 'in', tag: '2', unbindable: 'cannot bind' }]));
  t.strictSame(failures, [{ name: 'in', message: 'in: cannot bind' }]);
  t.strictSame(log, ['bind in#1', 'serve in#1'], 'the old one serves on');
  t.equal(runtime.resources().listeners[0]?.error?.message, 'in: cannot bind');
  runtime.stop();
});

t.test('good resources of a partly refused update serve; the refused one keeps its last good form', async (t) => {
  const { runtime } = fakeDataPlane({ lds: null });
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [{ name: 'a', tag: '1' }]));
  const failures = await runtime.apply(fakeUpdate('cluster', [{ name: 'a', broken: 'no' }, { name: 'b' }, { name: 'c', broken: 'never' }]));
  t.strictSame(failures, [
    { name: 'a', message: 'a: field: no' },
    { name: 'c', message: 'c: field: never' },
  ]);
  t.strictSame(
    [...runtime.config.value.clusters].map(([name, { resource }]) => [name, resource.tag]),
    [
      ['a', '1'],
      ['b', undefined],
    ],
  );
  t.strictSame(
    runtime.resources().clusters.map(({ name, active, error }) => [name, active !== null, error?.message]),
    [
      ['a', true, 'a: field: no'],
      ['b', true, undefined],
      ['c', false, 'c: field: never'],
    ],
  );
  await runtime.apply(fakeUpdate('cluster', [{ name: 'a', tag: '1' }], ['c']));
  t.strictSame(
    runtime.resources().clusters.map(({ name, error }) => [name, error]),
    [
      ['a', null],
      ['b', null],
    ],
  );
  runtime.stop();
});

t.test('an unchanged cluster is not touched; a changed one replaces it once it is warm', async (t) => {
  const { runtime, log } = fakeDataPlane({ lds: null });
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [cluster('a', { tag: '1' })]));
  await runtime.apply(fakeUpdate('endpoint', [{ name: 'a' }]));
  const before = runtime.config.value;
  await runtime.apply(fakeUpdate('cluster', [cluster('a', { tag: '1' })]));
  t.equal(runtime.config.value, before, 'no swap');
  await runtime.apply(fakeUpdate('cluster', [cluster('a', { tag: '2', cold: true })]));
  t.equal(runtime.config.value, before, 'the new one is cold');
  t.equal(runtime.resources().clusters[0]?.warming?.compiled && runtime.waiting()[0]?.waitsFor, 'names');
  const warming = runtime.resources().clusters[0]?.warming?.compiled as { isWarm: boolean; onChange: () => void };
  warming.isWarm = true;
  warming.onChange();
  t.equal(runtime.config.value.clusters.get('a')?.resource.tag, '2');
  t.strictSame(log, ['start a#1', 'assign a#1', 'start a#2', 'assign a#2', 'retire a#1'], 'known endpoints are not awaited again');
  runtime.stop();
});

t.test('endpoints that do not come in time, or do not exist, are gone on without', async (t) => {
  const { runtime, log, clock, registry } = fakeDataPlane({ lds: null });
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [cluster('slow'), cluster('none'), cluster('quick', { initialFetchTimeoutMs: 100 })]));
  await runtime.apply(fakeUpdate('endpoint', [], ['none']));
  await runtime.apply(fakeUpdate('endpoint', []));
  t.strictSame([...runtime.config.value.clusters.keys()], ['none'], 'an empty answer is no answer');
  await clock.advance(100);
  t.strictSame([...runtime.config.value.clusters.keys()], ['none', 'quick']);
  await clock.advance(14_900);
  t.strictSame([...runtime.config.value.clusters.keys()], ['slow', 'none', 'quick']);
  t.equal(registry.counter({ name: 'envoy_cluster_init_fetch_timeout', labels: { envoy_cluster_name: 'slow' } }).value, 1);
  t.equal(registry.counter({ name: 'envoy_cluster_update_empty', labels: { envoy_cluster_name: 'none' } }).value, 1);
  t.equal(runtime.phase.value, 'live');
  t.ok(log.includes('go on without slow'));

  await runtime.apply(fakeUpdate('endpoint', [{ name: 'slow' }]));
  await runtime.apply(fakeUpdate('endpoint', [{ name: 'nobody asked' }], ['slow']));
  t.equal(runtime.config.value.clusters.get('slow')?.endpoints?.resource.name, 'slow', 'late ones are used, and stay when removed');
  t.strictSame(
    runtime.resources().endpoints.map(({ name }) => name),
    ['slow'],
  );
  runtime.stop();
});

t.test('a cluster with wait_for_warm_on_init: false serves cold, but does not replace a warm one while it is', async (t) => {
  const { runtime, log } = fakeDataPlane({ cds: null, lds: null });
  runtime.load({
    clusters: [fixed({ name: 'local', cold: true, servesCold: true })],
    listeners: [fixed({ name: 'in', clusters: ['local'] })],
  });
  await runtime.start();
  t.strictSame(log, ['bind in', 'start local', 'serve in']);
  t.equal(runtime.phase.value, 'live');
  t.ok(runtime.config.value.clusters.has('local'));
  runtime.stop();

  const second = fakeDataPlane({ lds: null });
  await second.runtime.start();
  await second.runtime.apply(fakeUpdate('cluster', [{ name: 'a', tag: '1' }]));
  await second.runtime.apply(fakeUpdate('cluster', [{ name: 'a', tag: '2', cold: true, servesCold: true }]));
  t.equal(second.runtime.config.value.clusters.get('a')?.resource.tag, '1');
  second.runtime.stop();
});

t.test('routes that name a warming cluster wait with it; routes of an unknown cluster are taken', async (t) => {
  const { runtime } = fakeDataPlane();
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [{ name: 'x' }]));
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', routes: ['r'] }]));
  await runtime.apply(fakeUpdate('route', [{ name: 'r', tag: '1', clusters: ['x', 'unknown'] }]));
  t.equal(runtime.phase.value, 'live');
  await runtime.apply(fakeUpdate('cluster', [cluster('y')]));
  await runtime.apply(fakeUpdate('route', [{ name: 'r', tag: '2', clusters: ['y'] }]));
  t.equal(runtime.config.value.routes.get('r')?.resource.tag, '1');
  t.strictSame(
    runtime.waiting().map(({ name, waitsFor }) => `${name}: ${waitsFor}`),
    ['y: endpoints "y" (EDS)', 'r: cluster "y" (CDS)'],
  );
  await runtime.apply(fakeUpdate('endpoint', [{ name: 'y' }]));
  t.equal(runtime.config.value.routes.get('r')?.resource.tag, '2');
  t.ok(runtime.config.value.clusters.has('y'));
  runtime.stop();
});

t.test('a removed cluster stays while routes name it, thirty seconds at most', async (t) => {
  const { runtime, log, clock } = fakeDataPlane();
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [cluster('a'), { name: 'b' }, { name: 'free' }]));
  await runtime.apply(fakeUpdate('endpoint', [{ name: 'a' }]));
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', routes: ['r'] }]));
  await runtime.apply(fakeUpdate('route', [{ name: 'r', tag: '1', clusters: ['a', 'b'] }]));

  await runtime.apply(fakeUpdate('cluster', [], ['a', 'b', 'free']));
  t.strictSame([...runtime.config.value.clusters.keys()], ['a', 'b']);
  t.strictSame(namesWanted(runtime.interests.value, TYPE_URLS.endpoint), [], 'its endpoints are not asked for any more');
  await runtime.apply(fakeUpdate('route', [{ name: 'r', tag: '2', clusters: ['b'] }]));
  t.strictSame([...runtime.config.value.clusters.keys()], ['b']);
  t.ok(log.includes('retire a'));
  await clock.advance(29_999);
  t.ok(runtime.config.value.clusters.has('b'));
  await clock.advance(1);
  t.notOk(runtime.config.value.clusters.has('b'));
  t.strictSame(
    log.filter((line) => line.startsWith('retire')),
    ['retire free', 'retire a', 'retire b'],
  );
  runtime.stop();
});

t.test('a cluster that returns before it left stays as it is', async (t) => {
  const { runtime, log, clock } = fakeDataPlane({ lds: null });
  runtime.load({ clusters: [], listeners: [fixed({ name: 'in', clusters: ['a'] })] });
  await runtime.start();
  await runtime.apply(fakeUpdate('cluster', [{ name: 'a' }]));
  await runtime.apply(fakeUpdate('cluster', [], ['a']));
  await runtime.apply(fakeUpdate('cluster', [{ name: 'a' }]));
  await clock.advance(60_000);
  t.ok(runtime.config.value.clusters.has('a'));
  t.notOk(log.includes('retire a'));
  runtime.stop();
});

t.test('static resources are neither replaced nor removed by dynamic ones', async (t) => {
  const { runtime } = fakeDataPlane();
  runtime.load({ clusters: [fixed({ name: 'a', tag: 'static' })], listeners: [fixed({ name: 'in', tag: 'static' })] });
  await runtime.start();
  t.strictSame(await runtime.apply(fakeUpdate('cluster', [{ name: 'a', tag: '2' }], ['a'])), []);
  t.strictSame(await runtime.apply(fakeUpdate('listener', [{ name: 'in', tag: '2' }], ['in'])), []);
  t.equal(runtime.config.value.clusters.get('a')?.resource.tag, 'static');
  t.equal(runtime.resources().listeners[0]?.active?.version, '');
  runtime.stop();
});

t.test('a listener that is replaced or removed is retired, and routes nobody needs are forgotten', async (t) => {
  const { runtime, log } = fakeDataPlane({ cds: null });
  await runtime.start();
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', tag: '1', routes: ['r'] }]));
  await runtime.apply(fakeUpdate('route', [{ name: 'r' }, { name: 'stray' }]));
  await runtime.apply(fakeUpdate('listener', [{ name: 'in', tag: '2', routes: ['s'] }]));
  t.strictSame(namesWanted(runtime.interests.value, TYPE_URLS.route), ['r', 's'], 'the serving one still needs its routes');
  await runtime.apply(fakeUpdate('route', [{ name: 's' }]));
  t.strictSame([...runtime.config.value.routes.keys()], ['s']);
  await runtime.apply(fakeUpdate('listener', [], ['in']));
  t.strictSame(log, ['bind in#1', 'serve in#1', 'bind in#2', 'serve in#2', 'retire in#1', 'retire in#2']);
  t.equal(runtime.config.value.routes.size, 0);
  runtime.stop();
});

t.test('an unknown type is refused by name', async (t) => {
  const { runtime } = fakeDataPlane();
  await runtime.start();
  const typeUrl = 'type.googleapis.com/x.Y';
  const failures = await runtime.apply({
    typeUrl,
    version: '1',
    upserts: [{ name: 'n', version: '1', typeUrl, value: new Uint8Array() }],
    removed: [],
  });
  t.strictSame(failures, [{ name: 'n', message: `n: resources of type ${typeUrl} are not supported` }]);
  runtime.stop();
});
