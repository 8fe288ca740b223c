import t, { type Test } from 'tap';
import { createConfig } from '../../src/config/index.ts';
import { MembershipHub, type RingInput } from '../../src/membership/index.ts';
import type { Catalog, MembershipSource, Ring } from '../../src/membership/types.ts';
import { MetricRegistry, prometheusText } from '../../src/telemetry/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { NOW_MS, reported } from '../support/membership.ts';
import { LogRecorder } from '../support/recording-logger.ts';
import { ScriptedSource } from '../support/scripted-source.ts';

function ringOf(sources: readonly MembershipSource[], name = 'live-store', more: Readonly<Record<string, unknown>> = {}): RingInput {
  const config = createConfig('test', { rings: { [name]: { sources: [{ static: { file: 'x' } }], ...more } } }).rings.get(name);
  if (!config) throw new Error('no ring');
  return { name, sources, config };
}

/** A hub that runs until the test ends, with everything it says. */
async function startHub(t: Test, rings: readonly RingInput[]) {
  const clock = new FakeClock(NOW_MS);
  const metrics = new MetricRegistry();
  const recorder = new LogRecorder();
  const { lines } = recorder;
  const hub = new MembershipHub(rings, { clock, metrics, logger: recorder.logger });
  const published: Catalog[] = [];
  hub.catalog.subscribe((catalog) => published.push(catalog));
  await hub.start();
  t.teardown(() => hub.stop());
  return {
    hub,
    clock,
    published,
    lines,
    events: () =>
      lines.splice(0).map(({ level, event, fields }) => `${level} ${event} ${fields['member'] ?? fields['source'] ?? fields['ring']}`),
    ring: (name = 'live-store'): Ring => hub.catalog.value.rings.get(name) as Ring,
    version: () => hub.catalog.value.version,
    ids: (name = 'live-store') => hub.catalog.value.rings.get(name)?.members.map(({ id }) => id),
    series: (prefix: string) =>
      prometheusText(metrics)
        .split('\n')
        .filter((line) => line.startsWith(prefix)),
  };
}

t.test('every ring is in the catalog from the beginning, and a source that is down holds nobody up', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ring, version, ids, series, hub } = await startHub(t, [ringOf([source])]);
  t.strictSame(ring(), {
    name: 'live-store',
    members: [],
    partitions: [],
    sources: [{ name: 'tempo', ok: false, asOfMs: null, error: null, expired: false }],
    emptyGuard: false,
  });
  t.equal(version(), 1);
  await source.fails('http://querier:3200: connect ECONNREFUSED');
  t.match(ring().sources, [{ ok: false, asOfMs: null, error: 'http://querier:3200: connect ECONNREFUSED' }]);
  t.strictSame(series('ringway_source'), [
    'ringway_source_errors_total{ring="live-store",source="tempo"} 1',
    'ringway_source_up{ring="live-store",source="tempo"} 0',
  ]);
  await source.members([reported('a')]);
  t.strictSame(ids(), ['a']);
  await hub.stop();
  await hub.stop();
});

t.test('the version grows with the content, not with heartbeats, which are published all the same', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ring, version, published, series } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { heartbeatMs: NOW_MS - 5000 })]);
  t.equal(version(), 2);
  await source.members([reported('a', { heartbeatMs: NOW_MS })]);
  t.equal(version(), 2);
  t.equal(ring().members[0]?.heartbeatMs, NOW_MS);
  await source.members([reported('a', { heartbeatMs: NOW_MS })]);
  t.equal(published.length, 2, 'nothing new is not published');
  await source.members([reported('a', { heartbeatMs: NOW_MS, state: 'LEAVING' })]);
  t.equal(version(), 3);
  t.strictSame(
    published.map((catalog) => catalog.version),
    [2, 2, 3],
  );
  t.strictSame(series('ringway_catalog_version'), ['ringway_catalog_version 3']);
});

t.test('a heartbeat that grows too old changes the catalog at that moment', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ring, clock, version, events } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { heartbeatMs: NOW_MS - 5000 }), reported('b', { heartbeatMs: NOW_MS })]);
  events();
  const health = () => ring().members.map(({ unhealthy }) => unhealthy);
  await clock.advance(55_000);
  t.strictSame(health(), [null, null]);
  t.equal(version(), 2);
  await clock.advance(1);
  t.strictSame(health(), ['no heartbeat for over 60s', null]);
  t.equal(version(), 3);
  t.equal(ring().members[0]?.sinceMs, NOW_MS + 55_001);
  t.strictSame(events(), ['info member.changed a']);
  await clock.advance(5000);
  t.strictSame(health(), ['no heartbeat for over 60s', 'no heartbeat for over 60s']);
  await source.members([reported('a', { heartbeatMs: clock.nowMs() }), reported('b', { heartbeatMs: clock.nowMs() })]);
  t.strictSame(health(), [null, null]);
});

t.test('after a sleep of the whole machine sources are heard before heartbeats are found too old', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ring, clock } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { heartbeatMs: NOW_MS }), reported('b', { heartbeatMs: NOW_MS })]);
  await clock.oversleep(600_000);
  t.strictSame(
    ring().members.map(({ unhealthy }) => unhealthy),
    [null, null],
  );
  const alive = (atMs: number) =>
    source.members([reported('a', { heartbeatMs: atMs }), reported('b', { heartbeatMs: NOW_MS })], undefined, atMs);
  await alive(NOW_MS + 600_000);
  t.strictSame(
    ring().members.map(({ unhealthy }) => unhealthy),
    [null, 'no heartbeat for over 60s'],
  );

  await clock.oversleep(600_000);
  await source.fails('the network is not up yet');
  t.equal(ring().members[0]?.unhealthy, null, 'and what could not be heard is as it was');
  await alive(NOW_MS + 1_200_000);
  await clock.oversleep(600_000);
  await clock.advance(5_000);
  t.equal(ring().members[0]?.unhealthy, 'no heartbeat for over 60s', 'a source that says nothing is waited for no longer');
});

t.test('a source that fails keeps what it said, healthy, until staleAfter; then the guard keeps the ring', async (t) => {
  const [tempo, file] = [new ScriptedSource('tempo'), new ScriptedSource('static')];
  const { ring, ids, clock, events, series } = await startHub(t, [ringOf([tempo, file])]);
  await tempo.members([reported('a', { heartbeatMs: NOW_MS })]);
  await file.members([reported('b', { heartbeatMs: null })]);
  t.strictSame(events(), ['info member.joined a', 'info member.joined b']);
  await clock.advance(1000);
  await tempo.fails('down');
  await tempo.fails('down');
  t.strictSame(events(), ['warn source.failed tempo']);
  await tempo.fails('down in another way');
  t.strictSame(events(), ['warn source.failed tempo']);
  t.strictSame(series('ringway_source_errors_total').slice(1), ['ringway_source_errors_total{ring="live-store",source="tempo"} 3']);
  await clock.advance(599_999);
  t.strictSame(ids(), ['a', 'b']);
  t.equal(ring().members[0]?.unhealthy, null);
  await clock.advance(1);
  t.strictSame(ids(), ['b']);
  t.strictSame(events(), ['info member.left a', 'warn source.expired tempo']);
  await file.fails('gone');
  await clock.advance(600_000);
  t.strictSame(ids(), ['b']);
  t.equal(ring().emptyGuard, true);
  t.strictSame(events(), ['warn source.failed static', 'error ring.empty_guard live-store', 'warn source.expired static']);
  await tempo.members([reported('a', { heartbeatMs: clock.nowMs() })]);
  t.strictSame(ids(), ['a']);
  t.strictSame(events(), [
    'info source.recovered tempo',
    'info member.joined a',
    'info member.left b',
    'info ring.empty_guard_released live-store',
  ]);
});

t.test('an empty ring after a full one is held back, counted and said', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ids, series, events, version } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { state: 'PENDING' }), reported('b', { partition: 1 })]);
  t.strictSame(series('ringway_ring'), [
    'ringway_ring_disagreements{ring="live-store"} 0',
    'ringway_ring_empty_guard{ring="live-store"} 0',
    'ringway_ring_members{ring="live-store",state="ACTIVE"} 1',
    'ringway_ring_members{ring="live-store",state="JOINING"} 0',
    'ringway_ring_members{ring="live-store",state="LEAVING"} 0',
    'ringway_ring_members{ring="live-store",state="PENDING"} 1',
    'ringway_ring_partitions{ring="live-store"} 2',
  ]);
  events();
  await source.members([]);
  await source.members([]);
  t.strictSame(ids(), ['a', 'b']);
  t.equal(version(), 3);
  t.strictSame(series('ringway_ring_empty_guard'), ['ringway_ring_empty_guard{ring="live-store"} 1']);
  t.strictSame(events(), ['error ring.empty_guard live-store']);
});

t.test('a ring that is empty from the beginning is said once, and when it has members', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ids, events } = await startHub(t, [ringOf([source])]);
  await source.members([]);
  await source.members([]);
  await source.members([reported('a')]);
  t.strictSame(ids(), ['a']);
  t.strictSame(events(), ['warn ring.empty live-store', 'info member.joined a', 'info ring.empty_guard_released live-store']);
});

t.test('allowEmpty lets it be empty', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ids, events } = await startHub(t, [ringOf([source], 'live-store', { allowEmpty: true })]);
  await source.members([reported('a')]);
  await source.members([]);
  t.strictSame(ids(), []);
  t.strictSame(events(), ['info member.joined a', 'info member.left a']);
});

t.test('what an operator wants to know is logged: changes with their fields, refusals, warnings', async (t) => {
  const source = new ScriptedSource('tempo');
  const { lines, events } = await startHub(t, [ringOf([source], 'live-store', { allowedAddresses: ['10.0.0.0/8'] })]);
  await source.members([reported('a', { address: '10.0.0.1:1' }), reported('b', { address: '192.0.2.1:1' })]);
  t.match(lines[2], {
    level: 'warn',
    event: 'member.refused',
    fields: { ring: 'live-store', member: 'b', reason: 'address "192.0.2.1:1" is not in allowedAddresses' },
  });
  events();
  await source.members(
    [reported('a', { address: '192.0.2.2:1' }), reported('b', { address: '192.0.2.1:1', heartbeatMs: NOW_MS })],
    'one peer is down',
  );
  t.match(lines, [
    { level: 'warn', event: 'source.degraded', fields: { ring: 'live-store', source: 'tempo', error: 'one peer is down' } },
    {
      level: 'info',
      event: 'member.changed',
      fields: { member: 'a', address: '192.0.2.2:1', changed: ['address', 'refused'], from: { address: '10.0.0.1:1', refused: null } },
    },
    { level: 'warn', event: 'member.refused', fields: { member: 'a' } },
  ]);
  t.equal(lines.length, 3);
});

t.test('a source that breaks its contract is a failed source, and is watched again', async (t) => {
  let watches = 0;
  const broken: MembershipSource = {
    name: 'broken',
    async *watch() {
      watches += 1;
      yield { kind: 'members', ring: 'live-store', members: [reported('a')], partitions: [], asOfMs: NOW_MS };
      throw new TypeError('x is not a function');
    },
  };
  const { ring, clock, ids } = await startHub(t, [ringOf([broken])]);
  await settle();
  t.match(ring().sources, [{ ok: false, error: 'source broken broke: x is not a function' }]);
  t.strictSame(ids(), ['a']);
  await clock.advance(1000);
  t.equal(watches, 2);
});

t.test('other rings from now on: what is the same goes on, what is known is kept, what is gone is forgotten', async (t) => {
  const [one, two, three] = [new ScriptedSource('tempo'), new ScriptedSource('tempo'), new ScriptedSource('tempo')];
  const [first, third] = [ringOf([one], 'first'), ringOf([three], 'third')];
  const { hub, ids, version, series } = await startHub(t, [first, ringOf([two], 'second')]);
  await one.members([reported('a')]);
  await two.members([reported('b'), reported('c')]);
  t.equal(version(), 3);

  const changed = new ScriptedSource('tempo');
  const added = new ScriptedSource('static');
  await hub.apply([first, ringOf([changed, added], 'second', { staleAfter: '1m' }), third]);
  t.equal(version(), 4);
  t.equal(one.watches, 1);
  t.equal(changed.watches, 1);
  t.strictSame(ids('second'), ['b', 'c'], 'nobody vanishes while the new source has not spoken');
  await added.members([reported('d')]);
  t.strictSame(ids('second'), ['b', 'c', 'd']);
  await two.members([]);
  await changed.members([reported('c')]);
  t.strictSame(ids('second'), ['c', 'd']);

  await hub.apply([third]);
  t.strictSame([...hub.catalog.value.rings.keys()], ['third']);
  t.strictSame(series('ringway_source_up'), []);
  await three.members([reported('e')]);
  t.strictSame(series('ringway_source_up'), ['ringway_source_up{ring="third",source="tempo"} 1']);
  t.strictSame(ids('third'), ['e']);
});

t.test('a reload reaches every source that waits for changes', async (t) => {
  const [one, two] = [new ScriptedSource('static'), new ScriptedSource('static')];
  const { hub } = await startHub(t, [ringOf([one], 'first'), ringOf([two], 'second')]);
  hub.reload();
  t.strictSame([one.reloads, two.reloads], [1, 1]);
});

t.test('after stop nothing is armed and nothing is published', async (t) => {
  const source = new ScriptedSource('tempo');
  const { hub, clock, published } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { heartbeatMs: NOW_MS })]);
  await hub.stop();
  t.equal(clock.pending, 0);
  await source.members([]);
  await clock.advance(600_000);
  t.equal(published.length, 1);
});

t.test('a disagreement is a series while it lasts', async (t) => {
  const [tempo, nats] = [new ScriptedSource('tempo'), new ScriptedSource('nats')];
  const { hub, version, series, ring } = await startHub(t, [ringOf([tempo, nats]), ringOf([], 'other')]);
  await tempo.members([reported('a'), reported('b')]);
  await nats.members([reported('a', { zone: 'zone-b', partition: 5 }), reported('b')]);
  const disagreement = (reason: string): string => `ringway_member_disagreement{ring="live-store",member="a",reason="${reason}"} 1`;
  t.strictSame(series('ringway_member'), [disagreement('partition'), disagreement('zone')]);
  t.strictSame(series('ringway_ring_disagreements'), ['ringway_ring_disagreements{ring="live-store"} 2']);
  const before = version();
  await nats.members([reported('a', { zone: 'zone-b' }), reported('b')]);
  t.strictSame(series('ringway_member'), [disagreement('zone')]);
  t.equal(version(), before + 1);
  await nats.members([reported('a')]);
  t.strictSame(series('ringway_member'), ['ringway_member_disagreement{ring="live-store",member="b",reason="missing"} 1']);
  await nats.fails('down');
  t.strictSame(series('ringway_member'), [], 'who fails is not at odds with anybody');
  t.equal(ring().members.length, 2);
  await nats.members([]);
  t.equal(series('ringway_member').length, 2);
  await hub.apply([ringOf([], 'other')]);
  t.strictSame(series('ringway_member'), [], 'a ring that is gone');
});

t.test('two sources of different rings do not flood what scrapes us', async (t) => {
  const [tempo, file] = [new ScriptedSource('tempo'), new ScriptedSource('static')];
  const { series } = await startHub(t, [ringOf([tempo, file])]);
  const ids = (prefix: string) => Array.from({ length: 800 }, (_, i) => reported(`${prefix}-${i}`));
  await tempo.members(ids('a'));
  await file.members(ids('b'));
  t.equal(series('ringway_member_disagreement').length, 1000);
  t.strictSame(series('ringway_ring_disagreements'), ['ringway_ring_disagreements{ring="live-store"} 1600']);
  await file.members(ids('a'));
  t.equal(series('ringway_member_disagreement').length, 0);
});

t.test('a last owner that is asked though it is not ready is told', async (t) => {
  const source = new ScriptedSource('nats');
  const { lines, events } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { state: 'JOINING' })]);
  t.match(lines[1], { level: 'warn', event: 'member.spared', fields: { member: 'a', reason: /no owner that is ready/ } });
  events();
  await source.members([reported('a', { state: 'JOINING' }), reported('b')]);
  t.strictSame(events(), ['info member.joined b', 'info member.changed a']);
  await source.members([reported('a', { state: 'JOINING' })]);
  t.strictSame(events(), ['info member.left b', 'info member.changed a', 'warn member.spared a']);
});

t.test('control itself is nobody whom a ring can name', async (t) => {
  const source = new ScriptedSource('tempo');
  const clock = new FakeClock(NOW_MS);
  const own = { machine: ['10.0.0.5'], listeners: [{ what: 'xDS port', listen: { host: '', port: 18000 } }] };
  const hub = new MembershipHub([ringOf([source])], { clock, metrics: new MetricRegistry(), logger: new LogRecorder().logger, own });
  await hub.start();
  t.teardown(() => hub.stop());
  await source.members([reported('a', { address: '10.0.0.5:18000' }), reported('b', { address: '10.0.0.5:9096' })]);
  t.match(hub.catalog.value.rings.get('live-store')?.members, [
    { id: 'a', refused: 'address "10.0.0.5:18000" is the xDS port of the process that reads the ring', warning: null },
    { id: 'b', refused: null, warning: 'address "10.0.0.5:9096" is one of the machine that reads the ring' },
  ]);
});

t.test('a heartbeat that changes nothing is one object more and no version', async (t) => {
  const source = new ScriptedSource('tempo');
  const { ring, version, published } = await startHub(t, [ringOf([source])]);
  await source.members([reported('a', { heartbeatMs: NOW_MS - 1000 }), reported('b')]);
  const before = ring();
  await source.members([reported('a', { heartbeatMs: NOW_MS }), reported('b')]);
  t.equal(ring().members[1], before.members[1]);
  t.equal(ring().partitions, before.partitions);
  t.equal(version(), 2);
  t.equal(published.length, 2);
});

t.test('a large ring is not a line for each member', async (t) => {
  const source = new ScriptedSource('tempo');
  const { events, lines } = await startHub(t, [ringOf([source])]);
  const many = Array.from({ length: 101 }, (_, i) => reported(`m-${i}`));
  await source.members(many);
  t.match(lines, [{ event: 'members.joined', fields: { count: 101, refused: 0, unhealthy: 0 } }]);
  t.equal(events().length, 1);
  await source.members(many.map((member) => ({ ...member, heartbeatMs: -1, address: '[::]:1' })));
  t.match(lines, [{ event: 'members.changed', fields: { count: 101, refused: 101, unhealthy: 101 } }]);
  t.equal(events().length, 1);
  await source.members([reported('a')]);
  t.strictSame(events(), ['info member.joined a', 'info members.left live-store']);
});
