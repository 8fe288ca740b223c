import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { MetricRegistry, prometheusText, silentLogger } from '../../src/telemetry/index.ts';
import { createXdsServer, type XdsServer, type XdsServerOptions } from '../../src/xds/server/index.ts';
import { TYPE_URLS } from '../../src/xds/types.ts';
import { AdsClient, nodeOf } from '../support/ads-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeSource } from '../support/fake-source.ts';
import { LogRecorder } from '../support/recording-logger.ts';
import { snapshotOf } from '../support/snapshots.ts';

const two = snapshotOf({ cluster: { a: '1', b: '1' }, endpoint: { a: '1', b: '1' } });
const node = nodeOf('sidecar-1', 'ring/view', {
  metadata: { ringway: { local: '127.0.0.1:9095' } },
  locality: { region: '', zone: 'zone-a', subZone: '' },
});

interface World {
  readonly server: XdsServer;
  readonly source: FakeSource;
  readonly client: AdsClient;
  readonly log: LogRecorder;
  readonly metrics: MetricRegistry;
}

async function start(t: Test, options: Partial<XdsServerOptions> = {}, source = new FakeSource(two)): Promise<World> {
  const log = new LogRecorder();
  const metrics = new MetricRegistry();
  const listen = { host: '127.0.0.1', port: 0 };
  const server = createXdsServer({ source, listen, clock: systemClock, logger: log.logger, metrics, ...options });
  await server.start();
  const client = new AdsClient(server.address);
  t.teardown(async () => {
    client.close();
    await server.stop();
  });
  return { server, source, client, log, metrics };
}

t.test('sotw: resources come byte for byte, with version, nonce and who answers (rules 7 and 10)', async (t) => {
  const { client } = await start(t, { controlPlane: 'ringway-0' });
  const stream = client.sotw();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  const response = await stream.next();
  t.equal(response.typeUrl, TYPE_URLS.cluster);
  t.equal(response.versionInfo, 'a=1,b=1');
  t.not(response.nonce, '');
  t.equal(response.controlPlane?.identifier, 'ringway-0');
  t.same(
    response.resources.map((any) => any.typeUrl),
    [TYPE_URLS.cluster, TYPE_URLS.cluster],
  );
  const [first] = [...(two.types.get(TYPE_URLS.cluster)?.resources.values() ?? [])];
  t.ok(Buffer.from(first?.any ?? []).includes(Buffer.from(response.resources[0]?.value ?? [])));
});

t.test('delta: resources come with name and version, removals by name', async (t) => {
  const { client, source } = await start(t);
  const stream = client.delta();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  const response = await stream.next();
  t.same(
    response.resources.map(({ name, version, resource }) => [name, version, resource?.typeUrl]),
    [
      ['a', '1', TYPE_URLS.cluster],
      ['b', '1', TYPE_URLS.cluster],
    ],
  );
  t.equal(response.systemVersionInfo, 'a=1,b=1');
  stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: response.nonce });
  source.snapshot.set(snapshotOf({ cluster: { a: '1' } }));
  const removal = await stream.next();
  t.same(removal.resources, []);
  t.same(removal.removedResources, ['b']);
  t.equal(removal.controlPlane?.identifier, 'ringway');
});

t.test('rule 3: only the first message needs a node; what the source sees of it', async (t) => {
  const { client, source } = await start(t);
  const stream = client.sotw();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  const response = await stream.next();
  stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: response.nonce });
  stream.send({ typeUrl: TYPE_URLS.endpoint, resourceNames: ['a'] });
  t.equal((await stream.next()).typeUrl, TYPE_URLS.endpoint);
  t.same(source.opened, [
    { id: 'sidecar-1', cluster: 'ring/view', zone: 'zone-a', ringway: { local: '127.0.0.1:9095' }, userAgent: 'test/1.40.0' },
  ]);
});

t.test('a first message without a node, an empty type (rule 2), or garbage ends the stream with INVALID_ARGUMENT', async (t) => {
  const { client, log } = await start(t);
  const nameless = client.sotw();
  nameless.send({ typeUrl: TYPE_URLS.cluster });
  t.match(await nameless.ended, { code: 3, details: 'the first request of a stream must carry a node' });
  const typeless = client.delta();
  typeless.send({ node });
  t.match(await typeless.ended, { code: 3, details: /type_url is empty/ });
  const garbage = client.sotw();
  garbage.sendBytes(Buffer.from('not protobuf'));
  t.match(await garbage.ended, { code: 3, details: /^the message is not a sotw discovery request/ });
  const long = client.delta();
  long.send({ node: nodeOf('x'.repeat(1025), 'ring/view'), typeUrl: TYPE_URLS.cluster });
  t.match(await long.ended, { code: 3, details: /: node\.id has 1025 characters, at most 1024 are allowed$/ });
  t.same(log.of('xds.bad_request').length, 4);
});

t.test('a refused node is told why and logged once', async (t) => {
  const { client, log } = await start(t);
  for (let i = 0; i < 3; i += 1) {
    const stream = client.delta();
    stream.send({ node: nodeOf('x', 'refused'), typeUrl: TYPE_URLS.cluster });
    t.match(await stream.ended, { code: 3, details: 'node.cluster "refused": no such view, allowed: ring/view' });
  }
  const refused = log.of('xds.refused');
  t.equal(refused.length, 1);
  t.match(refused[0], { level: 'warn', fields: { node: 'x', cluster: 'refused' } });
});

t.test('a failure of ours ends one stream, says nothing of its cause to the client, and leaves the others', async (t) => {
  const { client, log } = await start(t);
  const good = client.delta();
  good.send({ node, typeUrl: TYPE_URLS.cluster });
  const response = await good.next();
  const bad = client.delta();
  bad.send({ node: nodeOf('x', 'broken'), typeUrl: TYPE_URLS.cluster });
  t.match(await bad.ended, { code: 13, details: 'internal error' });
  t.match(await log.first('xds.stream_failed'), { level: 'error', fields: { err: { message: 'a bug in the source' } } });
  good.send({ typeUrl: TYPE_URLS.cluster, responseNonce: response.nonce });
  good.send({ typeUrl: TYPE_URLS.endpoint, resourceNamesSubscribe: ['a'] });
  t.equal((await good.next()).typeUrl, TYPE_URLS.endpoint);
});

t.test('a NACK is logged, counted and shown; the fix clears it', async (t) => {
  const { client, server, source, log, metrics } = await start(t);
  const stream = client.delta();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  const response = await stream.next();
  stream.send({
    typeUrl: TYPE_URLS.cluster,
    responseNonce: response.nonce,
    errorDetail: { code: 13, message: 'cluster a: no', details: [] },
  });
  const line = await log.first('xds.nack');
  t.equal(line.level, 'warn');
  t.match(line.fields, {
    node: 'sidecar-1',
    view: 'ring/view',
    type: TYPE_URLS.cluster,
    version: 'a=1,b=1',
    code: 13,
    reason: 'cluster a: no',
  });
  t.match(server.clients(), [
    {
      node: 'sidecar-1',
      cluster: 'ring/view',
      view: 'ring/view',
      userAgent: 'test/1.40.0',
      peer: /^127\.0\.0\.1:\d+$/,
      types: [
        { type: TYPE_URLS.cluster, variant: 'delta', sent: 'a=1,b=1', acked: '', nacked: { version: 'a=1,b=1', message: 'cluster a: no' } },
      ],
    },
  ]);
  source.snapshot.set(snapshotOf({ cluster: { a: '2', b: '1' } }));
  const fix = await stream.next();
  stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: fix.nonce });
  await log.first('xds.ack');
  t.match(server.clients()[0]?.types, [{ sent: 'a=2,b=1', acked: 'a=2,b=1', nacked: null }]);
  const text = prometheusText(metrics);
  t.match(text, 'ringway_xds_nacks_total{type="cluster",view="ring/view"} 1\n');
  t.match(text, 'ringway_xds_acks_total{type="cluster",view="ring/view"} 1\n');
  t.match(text, 'ringway_xds_pushes_total{type="cluster",view="ring/view"} 2\n');
  t.match(text, 'ringway_xds_push_to_ack_ms_count{type="cluster"} 2\n');
  t.match(text, 'ringway_xds_streams{variant="delta"} 1\n');
});

t.test('a view without a snapshot sends nothing until it has one', async (t) => {
  const { client, source, log } = await start(t, {}, new FakeSource(null));
  const stream = client.sotw();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  await log.first('xds.stream_open');
  t.equal(stream.queued, 0);
  source.snapshot.set(two);
  t.equal((await stream.next()).resources.length, 2);
});

t.test('who does not answer is given up after ten seconds of the clock', async (t) => {
  const clock = new FakeClock();
  const { client, source, log, metrics } = await start(t, { clock });
  const stream = client.delta();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  await stream.next();
  stream.send({ typeUrl: TYPE_URLS.listener });
  source.snapshot.set(snapshotOf({ cluster: { a: '2' }, listener: { l: '1' } }));
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(10_000);
  t.match(await log.first('xds.overdue'), { level: 'warn', fields: { type: TYPE_URLS.cluster, version: 'a=1,b=1' } });
  t.match(prometheusText(metrics), 'ringway_xds_overdue_total{type="cluster",view="ring/view"} 1\n');
  t.equal((await stream.next()).typeUrl, TYPE_URLS.cluster, 'the newer version may go now');
});

t.test('a stream that ends is forgotten, whichever side ends it', async (t) => {
  const { client, server, log, source } = await start(t);
  const stream = client.sotw();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  await stream.next();
  t.equal(server.clients().length, 1);
  stream.cancel();
  await log.first('xds.stream_closed');
  t.same(server.clients(), []);
  source.snapshot.set(snapshotOf({ cluster: { a: '9' } }));
  t.same(
    log.lines.filter((line) => line.level === 'error'),
    [],
  );
});

t.test('stop ends streams with UNAVAILABLE and frees the port; start again works', async (t) => {
  const { client, server } = await start(t);
  const stream = client.delta();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  await stream.next();
  const { address } = server;
  await server.stop();
  t.match(await stream.ended, { code: 14, details: 'the control server stops' });
  await server.stop();
  const port = Number(address.split(':')[1]);
  const probe = connect(port, '127.0.0.1');
  const [error] = await once(probe, 'error');
  t.match(error, { code: 'ECONNREFUSED' });
  await server.start();
  t.not(server.address, '');
});

t.test('stop cuts a connection that does not end by itself', async (t) => {
  const { server } = await start(t, { stopTimeoutMs: 20 });
  const [host = '', port] = server.address.split(':');
  const silent = connect(Number(port), host);
  silent.on('error', () => {});
  await once(silent, 'data');
  const closed = once(silent, 'close');
  await server.stop();
  await closed;
  t.pass('it is closed');
});

t.test('a port in use, an address not of this machine, an open address: one line that names it', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as { port: number };
  const create = (host: string, insecure = false, at = 0): XdsServer =>
    createXdsServer({
      source: new FakeSource(),
      listen: { host, port: at },
      clock: systemClock,
      logger: silentLogger,
      metrics: new MetricRegistry(),
      insecure,
    });
  await t.rejects(create('127.0.0.1', false, port).start(), {
    name: 'RingwayError',
    code: 'XDS_LISTEN',
    message: `xds: cannot listen on 127.0.0.1:${port}: the port is in use`,
  });
  await t.rejects(create('203.0.113.1', true).start(), {
    message: 'xds: cannot listen on 203.0.113.1:0: this machine has no such address',
  });
  t.throws(() => create('0.0.0.0'), {
    code: 'XDS_EXPOSED',
    message: 'xds: 0.0.0.0:0 is open to other machines and has no TLS, allowed: a loopback address, TLS, or insecure: true',
  });
});

t.test('insecure on an open address is warned of and shown', async (t) => {
  const { log, metrics } = await start(t, { listen: { host: '0.0.0.0', port: 0 }, insecure: true });
  t.match(await log.first('xds.insecure'), { level: 'warn' });
  t.match(prometheusText(metrics), 'ringway_insecure_listener{listener="xds"} 1\n');
});

t.test('a request longer than allowed ends its stream only', async (t) => {
  const { client } = await start(t, { maxRequestBytes: 1024 });
  const stream = client.sotw();
  stream.send({ node, typeUrl: TYPE_URLS.endpoint, resourceNames: ['x'.repeat(2000)] });
  t.match(await stream.ended, { code: 8 });
  const next = client.sotw();
  next.send({ node, typeUrl: TYPE_URLS.cluster });
  t.equal((await next.next()).resources.length, 2);
});

t.test('with TLS: an open address needs no insecure, and a client needs a certificate when its CA is given', async (t) => {
  const read = (name: string): string => readFileSync(join(import.meta.dirname, '../golden/tls', name), 'utf8');
  const [cert, key] = [read('localhost.crt'), read('localhost.key')];
  const { server, metrics } = await start(t, { listen: { host: '0.0.0.0', port: 0 }, tls: { cert, key, clientCa: cert } });
  t.match(prometheusText(metrics), 'ringway_insecure_listener{listener="xds"} 0\n');
  const address = `localhost:${server.address.split(':')[1]}`;
  const trusted = new AdsClient(address, credentials.createSsl(Buffer.from(cert), Buffer.from(key), Buffer.from(cert)));
  t.teardown(() => trusted.close());
  const stream = trusted.delta();
  stream.send({ node, typeUrl: TYPE_URLS.cluster });
  t.equal((await stream.next()).resources.length, 2);
  const nameless = new AdsClient(address, credentials.createSsl(Buffer.from(cert)));
  t.teardown(() => nameless.close());
  const refused = nameless.delta();
  refused.send({ node, typeUrl: TYPE_URLS.cluster });
  t.equal((await refused.ended).code, 14);
});

t.test('gRPC health says SERVING', async (t) => {
  const { client } = await start(t);
  t.same(await client.unary('/grpc.health.v1.Health/Check', Buffer.alloc(0)), Buffer.from([8, 1]));
});
