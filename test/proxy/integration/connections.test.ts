// Connections below requests: made, shared, replaced, drained; and what updates of endpoints and listeners keep.
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import t from 'tap';
import { RingwayError, seededRandom, systemClock } from '../../../src/core/index.ts';
import {
  Cluster_DiscoveryType,
  Cluster_EdsClusterConfig,
  Cluster as ClusterMessage,
} from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { ConfigSource } from '../../../src/gen/envoy/config/core/v3/config_source.ts';
import { Http2ProtocolOptions } from '../../../src/gen/envoy/config/core/v3/protocol.ts';
import { ClusterLoadAssignment } from '../../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import { createClusterCompiler, createEndpointCompiler, type Host } from '../../../src/proxy/cluster/index.ts';
import type { Assignment } from '../../../src/proxy/cluster/types.ts';
import { createHostPools } from '../../../src/proxy/upstream/index.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { connect } from '../../../src/transport/index.ts';
import { assignment, egressRetries, http2Cluster, routeTo, startDataPlane } from '../../support/data-plane.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { answerGrpc, createClient, grpcMessage, grpcStatus, type Peer, startPeer, until } from '../../support/h2-peers.ts';
import { bytesOf, message, ms } from '../../support/message.ts';
import { tlsSources } from '../../support/tls-sources.ts';

const named = (name: string): Promise<Peer> => startPeer((stream) => answerGrpc(stream, { headers: { 'x-member': name } }));

function edsCluster(): Partial<ClusterMessage> {
  const edsConfig = message(ConfigSource, { configSourceSpecifier: { $case: 'ads', value: {} } });
  return http2Cluster('c', [], {
    loadAssignment: undefined,
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: message(Cluster_EdsClusterConfig, { edsConfig }),
  });
}

function endpoints(priorities: readonly (readonly string[])[]): Assignment {
  return createEndpointCompiler().compile('c', bytesOf(ClusterLoadAssignment, assignment('c', priorities))).compiled;
}

t.test('updates of endpoints keep the connections of addresses that stay; those that leave end with their calls', async (t) => {
  let release: () => void = () => {};
  const [stays, leaves] = [
    await named('stays'),
    await startPeer((stream) => {
      release = () => answerGrpc(stream, { headers: { 'x-member': 'leaves' } });
    }),
  ];
  const plane = await startDataPlane({ clusters: [edsCluster()], routes: [routeTo('c')], directory: t.testdir() });
  const cluster = plane.cluster('c');
  t.same([cluster.isWarm, cluster.waitsFor], [false, 'ClusterLoadAssignment c']);
  cluster.applyAssignment(endpoints([[leaves.address]]));
  t.ok(cluster.isWarm);
  const client = createClient(plane.target);
  const running = client.call();
  await until(() => leaves.streams.length === 1);
  cluster.applyAssignment(endpoints([[stays.address]]));
  t.equal((await client.call()).headers['x-member'], 'stays');
  const host = cluster.hosts[0];
  release();
  t.equal((await running).headers['x-member'], 'leaves', 'a running call ends where it began');
  await until(() => leaves.sessions.size === 0);
  cluster.applyAssignment(endpoints([[stays.address]]));
  t.equal((await client.call()).headers['x-member'], 'stays');
  t.equal(cluster.hosts[0], host, 'the address kept its state');
  t.same([host?.cxTotal, host?.rqTotal], [1, 2]);
  t.equal(plane.stat('cluster.c.membership_change'), 2);
  t.equal(plane.stat('cluster.c.upstream_cx_total'), 2);
  await until(() => plane.stat('cluster.c.upstream_cx_active') === 1);
  await client.close();
  await plane.stop();
  await Promise.all([stays.kill(), leaves.kill()]);
});

t.test('GOAWAY replaces the connection and loses no call', async (t) => {
  const peer = await startPeer((stream) => answerGrpc(stream));
  // calls above the last stream of a GOAWAY were surely not processed: refused-stream has them sent again
  const routes = [routeTo('c', { retryPolicy: egressRetries() })];
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes, directory: t.testdir() });
  const client = createClient(plane.target);
  for (let round = 0; round < 3; round += 1) {
    t.equal(grpcStatus(await client.call()), 0);
    for (const session of peer.sessions) session.close();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => client.call()));
    t.ok(outcomes.every((outcome) => grpcStatus(outcome) === 0));
  }
  t.ok(plane.stat('cluster.c.upstream_cx_close_notify') >= 3);
  t.ok(plane.stat('cluster.c.upstream_cx_total') >= 4);
  await client.close();
  await plane.stop();
  await peer.kill();
});

t.test('a host that takes few streams gets more connections, as many as it needs', async (t) => {
  const peer = await startPeer((stream) => stream.resume());
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes: [routeTo('c')], directory: t.testdir() });
  const clients = [createClient(plane.target), createClient(plane.target)];
  const held = clients.flatMap((client) => Array.from({ length: 750 }, () => client.open()));
  await until(() => peer.streams.length === 1500);
  t.equal(plane.stat('cluster.c.upstream_cx_total'), 2, 'the peer takes 1,000 at a time');
  for (const stream of held) stream.close(8);
  await until(() => plane.stat('cluster.c.upstream_rq_active') === 0);
  await Promise.all(clients.map((client) => client.close()));
  await plane.stop();
  await peer.kill();
});

t.test('a connection that does not come in time is a timeout of its own', async (t) => {
  const clock = new FakeClock();
  const metrics = new MetricRegistry();
  let cancelled = 0;
  const compiler = createClusterCompiler({
    clock,
    metrics,
    random: seededRandom(1),
    tlsSources,
    resolveName: () => Promise.resolve([]),
    createPool: createHostPools({
      clock,
      connect: ({ timeoutMs, clock: timer }, events) => {
        const armed = timer.after(timeoutMs, () => events.onFailed(new RingwayError('no answer', { code: 'CONNECT_TIMEOUT' })));
        return {
          cancel: () => {
            cancelled += 1;
            armed.cancel();
          },
        };
      },
    }),
  });
  const { compiled } = compiler.compile('c', bytesOf(ClusterMessage, http2Cluster('c', [['127.0.0.1:1']])));
  const host = compiled.pick();
  if (!host) throw new Error('no host');
  const seen: string[] = [];
  const handler = { onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} };
  const request = {
    priority: 'default' as const,
    handler,
    onReady: () => seen.push('ready'),
    onPoolFailure: (failure: string) => seen.push(failure),
  };
  compiled.poolOf(host).open(request);
  t.equal(compiled.breakers.default.pendingRequests.active, 1);
  await clock.advance(249);
  t.equal(seen.length, 0);
  await clock.advance(1);
  t.same(seen, ['connection timeout']);
  t.equal(compiled.breakers.default.pendingRequests.active, 0);
  t.equal(compiled.stats.upstreamCxConnectTimeout.value, 1);
  t.equal(compiled.stats.upstreamCxActive.value, 0);
  compiled.poolOf(host).open(request);
  compiled.poolOf(host).cancel(request);
  compiled.close();
  t.same(seen, ['connection timeout'], 'a cancelled request hears no more');
  t.equal(cancelled, 2);
});

t.test('a host that takes no streams has not used up its connection', async (t) => {
  const server = createHttp2Server({ settings: { maxConcurrentStreams: 0 } });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  const told = new Promise((resolve) => server.once('session', (session) => session.once('localSettings', resolve)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const compiler = createClusterCompiler({
    clock: systemClock,
    metrics: new MetricRegistry(),
    random: seededRandom(1),
    tlsSources,
    resolveName: () => Promise.resolve([]),
    createPool: createHostPools({ clock: systemClock, connect }),
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { compiled } = compiler.compile('c', bytesOf(ClusterMessage, http2Cluster('c', [[address]])));
  const pool = compiled.poolOf(compiled.pick() as Host);
  const handler = { onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} };
  const request = { priority: 'default' as const, handler, onReady() {}, onPoolFailure() {} };
  pool.open(request);
  pool.cancel(request);
  await told;
  pool.open(request);
  t.equal(compiled.stats.upstreamCxMaxRequests.value, 0);
  t.equal(compiled.stats.upstreamRqPendingActive.value, 1, 'it waits');
  pool.cancel(request);
  compiled.close();
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => server.close(resolve));
});

t.test('draining tells connections to go, lets calls end, and frees the port', async (t) => {
  let release: () => void = () => {};
  const peer = await startPeer((stream) => {
    release = () => answerGrpc(stream);
  });
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes: [routeTo('c')], directory: t.testdir() });
  const client = createClient(plane.target);
  const running = client.call();
  await until(() => peer.streams.length === 1);
  const drained = plane.listener.drain(10_000);
  const refused = new Promise((resolve) => {
    const [host, port] = plane.target.split(':');
    connectTcp(Number(port), host).once('error', resolve);
  });
  t.match(await refused, { code: 'ECONNREFUSED' });
  release();
  t.equal(grpcStatus(await running), 0);
  await drained;
  t.equal(plane.listener.activeConnections, 0);
  t.equal(plane.stat('http.test.downstream_cx_active'), 0);
  await client.close();
  await plane.stop();
  await peer.kill();
});

t.test('a cluster out of use keeps its calls for the grace, then cuts them and forgets its series', async (t) => {
  const peer = await startPeer((stream) => stream.resume());
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes: [routeTo('c')], directory: t.testdir() });
  const client = createClient(plane.target);
  const running = client.call();
  await until(() => peer.streams.length === 1);
  plane.cluster('c').retire(20);
  const outcome = await running;
  t.equal(grpcStatus(outcome), 14);
  t.notOk(plane.metrics.series().some(({ id }) => id.stat?.startsWith('cluster.c.')));
  await client.close();
  await plane.stop();
  await peer.kill();
});

t.test('strict dns: every address of a name is a host; a name that fails keeps what it had', async (t) => {
  const clock = new FakeClock();
  const answers: (readonly string[] | Error)[] = [['10.0.0.1', '10.0.0.2'], new Error('SERVFAIL'), ['10.0.0.2', '10.0.0.3'], []];
  const asked: string[] = [];
  const compiler = createClusterCompiler({
    clock,
    metrics: new MetricRegistry(),
    random: seededRandom(1),
    tlsSources,
    resolveName: (name, family) => {
      asked.push(`${name} ${family}`);
      const answer = answers.shift() ?? [];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    createPool: createHostPools({ clock, connect: () => ({ cancel() {} }) }),
  });
  const fields = http2Cluster('c', [['control.tempo:18000']], {
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STRICT_DNS },
    dnsLookupFamily: 3,
  });
  const { compiled: cluster } = compiler.compile('c', bytesOf(ClusterMessage, fields));
  let changes = 0;
  t.equal(cluster.waitsFor, 'addresses of control.tempo');
  cluster.start(() => {
    changes += 1;
  });
  await clock.advance(0);
  t.ok(cluster.isWarm);
  t.equal(changes, 1);
  const addresses = (): string[] => cluster.hosts.map(({ address }) => address);
  t.same(addresses(), ['10.0.0.1:18000', '10.0.0.2:18000']);
  t.equal(cluster.hosts[0]?.endpoint.hostname, 'control.tempo');
  const kept = cluster.hosts[1];
  await clock.advance(5000);
  t.same(addresses(), ['10.0.0.1:18000', '10.0.0.2:18000'], 'after a failure');
  t.equal(cluster.stats.updateFailure.value, 1);
  await clock.advance(5000);
  t.same(addresses(), ['10.0.0.2:18000', '10.0.0.3:18000']);
  t.equal(cluster.hosts[0], kept);
  await clock.advance(5000);
  t.same(addresses(), [], 'a name without addresses has no hosts');
  t.same([...new Set(asked)], ['control.tempo V4_PREFERRED']);
  cluster.close();
  t.equal(clock.pending, 0);
});

t.test('keepalive ends a connection whose peer is silent', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const connectionKeepalive = { interval: ms(20), timeout: ms(20), intervalJitter: undefined, connectionIdleInterval: undefined };
  const http2ProtocolOptions = message(Http2ProtocolOptions, { connectionKeepalive });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[`127.0.0.1:${port}`]], { http2ProtocolOptions })],
    routes: [routeTo('c')],
    directory: t.testdir(),
  });
  const client = createClient(plane.target);
  const outcome = await client.call();
  t.same(
    [grpcStatus(outcome), grpcMessage(outcome)],
    [14, 'upstream connect error or disconnect/reset before headers. reset reason: connection termination'],
  );
  t.equal(plane.stat('cluster.c.upstream_cx_destroy'), 1);
  await client.close();
  await plane.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});
