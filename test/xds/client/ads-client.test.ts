import t from 'tap';
import { Node } from '../../../src/gen/envoy/config/core/v3/base.ts';
import { DeltaDiscoveryRequest } from '../../../src/gen/envoy/service/discovery/v3/discovery.ts';
import { MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { AdsClient, type AdsClientOptions, type Interests } from '../../../src/xds/client/index.ts';
import { TYPE_URLS } from '../../../src/xds/types.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { RecordingSink } from '../../support/recording-sink.ts';
import { ScriptedAds } from '../../support/scripted-ads.ts';
import { unsliced } from '../../support/unsliced.ts';

const { cluster: CDS, endpoint: EDS, listener: LDS, route: RDS } = TYPE_URLS;
const node: Node = { ...Node.decode(new Uint8Array()), id: 'n', cluster: 'live-store/egress' };

function start(options: Partial<AdsClientOptions> = {}) {
  const ads = new ScriptedAds();
  const sink = new RecordingSink();
  const clock = new FakeClock();
  const registry = new MetricRegistry();
  const stat = (name: string): number =>
    registry.series().flatMap((s) => (s.id.stat === name && 'value' in s.metric ? [s.metric.value] : []))[0] ?? -1;
  const client = new AdsClient({
    transport: ads,
    variant: 'delta',
    node,
    setNodeOnFirstMessageOnly: true,
    backoff: { baseMs: 500, maxMs: 30_000 },
    sink,
    clock,
    slices: unsliced,
    random: () => 0.5,
    registry,
    log: silentLogger,
    ...options,
  });
  return { ads, sink, clock, client, stat };
}

const all = { kind: 'all' } as const;
const names = (...list: string[]) => ({ kind: 'names', names: new Set(list) }) as const;
const wanting = (interests: Record<string, ReturnType<typeof names> | typeof all>): Interests => new Map(Object.entries(interests));

t.test('delta: asks in order, acknowledges, and asks for endpoints before it acknowledges their cluster', async (t) => {
  const { ads, sink, client, stat } = start();
  client.want(wanting({ [CDS]: all, [EDS]: names(), [RDS]: names() }));
  client.start();
  t.equal(ads.last.method, '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources');
  t.strictSame(ads.last.take(), ['Cluster node=n'], 'types without a name are not asked for: it would mean everything');
  t.equal(stat('control_plane.connected_state'), 0);

  sink.onApply = (): void => client.want(wanting({ [CDS]: all, [EDS]: names('b', 'a') }));
  ads.last.respond(CDS, 'c1', [{ name: 'a' }, { name: 'b' }], { identifier: 'control-1' });
  await settle();
  t.strictSame(ads.last.take(), ['ClusterLoadAssignment +[a,b]', 'Cluster ack c1']);
  t.equal(client.identifier.value, 'control-1');
  t.equal(stat('control_plane.connected_state'), 1);
  t.equal(stat('cluster_manager.cds.update_success'), 1);

  sink.onApply = (): void => {};
  ads.last.respond(EDS, 'e1', [{ name: 'a' }, { name: 'unasked' }], { removed: ['b', 'unknown'] });
  await settle();
  t.strictSame(sink.take(), ['Cluster c1 +[a,b]', 'ClusterLoadAssignment e1 +[a] -[b]']);
  t.strictSame(ads.last.take(), ['ClusterLoadAssignment ack e1']);

  client.want(wanting({ [CDS]: all, [EDS]: names('b', 'c'), [LDS]: all }));
  t.strictSame(ads.last.take(), ['ClusterLoadAssignment +[c] -[a]', 'Listener']);
  client.want(wanting({ [EDS]: names() }));
  t.strictSame(ads.last.take(), ['ClusterLoadAssignment -[b,c]']);
  await client.stop();
  t.ok(ads.last.isClosed);
  t.equal(stat('control_plane.connected_state'), 0);
});

t.test('a refused resource is a NACK of code 13 that names it; the good ones are kept', async (t) => {
  const { ads, sink, client, stat } = start();
  client.want(wanting({ [CDS]: all }));
  client.start();
  ads.last.respond(CDS, 'c1', [{ name: 'a', version: '1' }]);
  await settle();
  sink.refuse.add('a').add('x');
  ads.last.respond(CDS, 'c2', [{ name: 'a', version: '2' }, { name: 'b', version: '5' }, { name: 'x' }]);
  await settle();
  t.strictSame(ads.last.take(), ['Cluster node=n', 'Cluster ack c1', 'Cluster nack c2 13 2 of 3 clusters refused: a: no; x: no']);
  t.equal(stat('cluster_manager.cds.update_rejected'), 1);

  ads.last.end();
  await start().clock.advance(0);
  t.equal(stat('cluster_manager.cds.update_failure'), 1);
  await client.stop();
});

t.test('delta: a new stream says what is here, also of a cluster whose newest form was refused, and the node again', async (t) => {
  const { ads, sink, client, clock, stat } = start();
  client.want(wanting({ [CDS]: all, [EDS]: names('a') }));
  client.start();
  ads.last.respond(CDS, 'c1', [
    { name: 'a', version: '1' },
    { name: 'gone', version: '7' },
  ]);
  ads.last.respond(EDS, 'e1', [{ name: 'a', version: '3' }]);
  await settle();
  sink.refuse.add('a');
  ads.last.respond(CDS, 'c2', [{ name: 'a', version: '2' }], { removed: ['gone'] });
  await settle();
  ads.last.end(14, 'connection lost');
  t.equal(stat('control_plane.connected_state'), 0);
  await clock.advance(249);
  t.equal(ads.streams.length, 1);
  await clock.advance(1);
  t.equal(ads.streams.length, 2, 'half of 500 ms, as the random source says');
  t.strictSame(ads.last.take(), ['Cluster have{a:1} node=n', 'ClusterLoadAssignment +[a] have{a:3}']);
  await client.stop();
});

t.test('backs off from 500 ms to 30 s while nobody answers, and starts over after an answer', async (t) => {
  const { ads, client, clock } = start();
  client.want(wanting({ [CDS]: all }));
  client.start();
  const delays: number[] = [];
  const waited = async (): Promise<number> => {
    const before = ads.streams.length;
    const fromMs = clock.nowMs();
    ads.last.end();
    while (ads.streams.length === before) await clock.advance(50);
    return clock.nowMs() - fromMs;
  };
  for (let i = 0; i < 9; i += 1) delays.push(await waited());
  t.strictSame(delays, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  ads.last.respond(CDS, 'c1', []);
  await settle();
  t.equal(await waited(), 250);
  await client.stop();
});

t.test('what a dead stream sent late is not applied and not answered', async (t) => {
  const { ads, sink, client, clock } = start();
  client.want(wanting({ [CDS]: all }));
  client.start();
  const [first] = ads.streams;
  first?.end();
  first?.respond(CDS, 'late', [{ name: 'a' }]);
  first?.end();
  await clock.advance(250);
  t.strictSame(sink.take(), []);
  t.equal(ads.streams.length, 2);
  await client.stop();
});

for (const variant of ['delta', 'sotw'] as const) {
  t.test(`${variant}: refuses whole what names a resource twice or holds another type`, async (t) => {
    const { ads, sink, client } = start({ variant });
    client.want(wanting({ [CDS]: all }));
    client.start();
    ads.last.take();
    ads.last.respond(CDS, 'c1', [{ name: 'a' }, { name: 'b' }, { name: 'a' }]);
    ads.last.respond(CDS, 'c2', [{ name: 'a', typeUrl: EDS }]);
    await settle();
    t.strictSame(
      ads.last.take().map((line) => line.replace(' []', '')),
      [
        'Cluster nack c1 13 resource "a" appears twice in one response',
        `Cluster nack c2 13 resource "a" is a ${EDS} in a response of ${CDS}`,
      ],
    );
    t.strictSame(sink.take(), ['Cluster', 'Cluster'], 'told that the type was answered, with nothing');
    await client.stop();
  });
}

t.test('delta: refuses a name both added and removed; a heartbeat without a body changes nothing', async (t) => {
  const { ads, sink, client } = start();
  client.want(wanting({ [CDS]: all }));
  client.start();
  ads.last.take();
  ads.last.respond(CDS, 'c1', [{ name: 'a' }], { removed: ['a'] });
  await settle();
  t.strictSame(ads.last.take(), ['Cluster nack c1 13 resource "a" is both added and removed in one response']);
  ads.last.respond(CDS, 'c2', [{ name: 'a', isHeartbeat: true }]);
  await settle();
  t.strictSame(sink.take(), ['Cluster', 'Cluster c2']);
  t.strictSame(ads.last.take(), ['Cluster ack c2']);
  await client.stop();
});

t.test('a type nobody asked for is not answered; garbage ends the stream', async (t) => {
  const { ads, client, clock } = start();
  client.want(wanting({ [CDS]: all }));
  client.start();
  ads.last.take();
  ads.last.respond('type.googleapis.com/x.Y', 'n', []);
  await settle();
  t.strictSame(ads.last.take(), []);
  ads.last.handler.onMessage(Buffer.from([0x0a, 0xff]));
  await settle();
  t.ok(ads.last.isClosed);
  await clock.advance(250);
  t.equal(ads.streams.length, 2);
  await client.stop();
});

t.test('a server that floods is given up', async (t) => {
  const { ads, client } = start();
  client.want(wanting({ [CDS]: all }));
  client.start();
  for (let i = 0; i < 257; i += 1) ads.last.respond(CDS, `n${i}`, []);
  t.ok(ads.last.isClosed);
  await client.stop();
});

t.test('state-of-the-world: names, versions and nonces as the protocol wants them', async (t) => {
  const { ads, sink, client, clock } = start({ variant: 'sotw' });
  client.want(wanting({ [CDS]: all, [EDS]: names() }));
  client.start();
  t.equal(ads.last.method, '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources');
  sink.onApply = (): void => client.want(wanting({ [EDS]: names('a') }));
  ads.last.respond(CDS, 'c1', [{ name: 'a' }], { version: '1' });
  await settle();
  t.strictSame(ads.last.take(), ['Cluster [] node=n', 'ClusterLoadAssignment [a]', 'Cluster [] v=1 ack c1']);
  sink.onApply = (): void => {};
  ads.last.respond(EDS, 'e1', [{ name: 'a' }], { version: '1' });
  await settle();
  client.want(wanting({ [EDS]: names('a', 'b') }));
  sink.refuse.add('b');
  ads.last.respond(EDS, 'e2', [{ name: 'b' }], { version: '2' });
  await settle();
  client.want(wanting({ [EDS]: names() }));
  t.strictSame(ads.last.take(), [
    'ClusterLoadAssignment [a] v=1 ack e1',
    'ClusterLoadAssignment [a,b] v=1 ack e1',
    'ClusterLoadAssignment [a,b] v=1 nack e2 13 1 of 1 cluster load assignments refused: b: no',
    'ClusterLoadAssignment [] v=1 ack e2',
  ]);

  ads.last.end();
  await clock.advance(250);
  t.strictSame(ads.last.take(), ['Cluster [] v=1 node=n'], 'the version, an empty nonce, and no request that would mean all endpoints');
  await client.stop();
});

t.test('state-of-the-world: clusters that a response leaves out were removed; endpoints were not', async (t) => {
  const { ads, sink, client } = start({ variant: 'sotw' });
  client.want(wanting({ [CDS]: all, [EDS]: names('a', 'b') }));
  client.start();
  sink.refuse.add('bad');
  ads.last.respond(CDS, 'c1', [{ name: 'a' }, { name: 'b' }, { name: 'bad' }]);
  ads.last.respond(EDS, 'e1', [{ name: 'a' }, { name: 'b' }]);
  ads.last.respond(EDS, 'e2', [{ name: 'a' }]);
  ads.last.respond(CDS, 'c2', [{ name: 'b' }]);
  ads.last.respond(CDS, 'c3', []);
  await settle();
  t.strictSame(sink.take(), [
    'Cluster c1 +[a,b,bad]',
    'ClusterLoadAssignment e1 +[a,b]',
    'ClusterLoadAssignment e2 +[a]',
    'Cluster c2 +[b] -[a,bad]',
    'Cluster c3 -[b]',
  ]);
  await client.stop();
});

t.test('the node goes with every state-of-the-world request unless the first one is enough', async (t) => {
  const { ads, client } = start({ variant: 'sotw', setNodeOnFirstMessageOnly: false });
  client.want(wanting({ [CDS]: all, [LDS]: all }));
  client.start();
  t.strictSame(ads.last.take(), ['Cluster [] node=n', 'Listener [] node=n']);
  await client.stop();
});

t.test('delta requests decode to what was meant', async (t) => {
  const { ads, client } = start();
  client.want(wanting({ [RDS]: names('r') }));
  client.start();
  const [first] = ads.last.raw;
  const request = DeltaDiscoveryRequest.decode(first as Uint8Array);
  t.equal(request.typeUrl, RDS);
  t.equal(request.node?.cluster, 'live-store/egress');
  t.strictSame(request.resourceNamesSubscribe, ['r']);
  t.equal(request.errorDetail, undefined);
  await client.stop();
});
