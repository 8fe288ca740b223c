// tcp_proxy: each direction ends on its own, nothing that was said is lost, and nobody is read faster than the other side takes it.
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { type Clock, seededRandom, systemClock } from '../../../src/core/index.ts';
import { Cluster as ClusterMessage } from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { TcpProxy } from '../../../src/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { field } from '../../../src/http2/index.ts';
import { FileSinks } from '../../../src/proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler } from '../../../src/proxy/cluster/index.ts';
import { compileTcpProxy } from '../../../src/proxy/filter/tcp/compile.ts';
import { createHostPools } from '../../../src/proxy/upstream/index.ts';
import { MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { connect, resolveName } from '../../../src/transport/index.ts';
import { http2Cluster } from '../../support/data-plane.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/h2-peers.ts';
import { bytesOf, message } from '../../support/message.ts';
import { tlsSources } from '../../support/tls-sources.ts';

interface Plane {
  readonly cluster: Cluster;
  /** Accepted and not closed. */
  readonly active: () => number;
  stat(name: string): number;
  /** A connection through the proxy; a caller that may keep its side open. */
  open(): Promise<Socket>;
}

/** tcp_proxy before a server whose connections `serve` gets. */
async function startPlane(t: Test, serve: (socket: Socket) => void, clock: Clock = systemClock): Promise<Plane> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const metrics = new MetricRegistry();
  const compiler = createClusterCompiler({
    clock,
    random: seededRandom(1),
    metrics,
    tlsSources,
    resolveName,
    createPool: createHostPools({ clock: systemClock, connect }),
  });
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cluster = compiler.compile('c', bytesOf(ClusterMessage, http2Cluster('c', [[target]]))).compiled;
  const { filter } = compileTcpProxy('', message(TcpProxy, { statPrefix: 'p', clusterSpecifier: { $case: 'cluster', value: 'c' } }), {
    clock,
    random: seededRandom(1),
    metrics,
    connect,
    accessLogs: new FileSinks({ clock, logger: silentLogger }),
    currentConfig: () => ({ generation: 1, routes: new Map(), clusters: new Map([['c', cluster]]) }),
    createRequestId: () => field('x-request-id', 'id'),
  });
  let active = 0;
  const proxy = createServer((socket) => {
    active += 1;
    filter.accept({ socket, remote: '', local: '', tls: null }, () => {
      active -= 1;
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    cluster.close();
    proxy.close();
    server.close();
  });
  return {
    cluster,
    active: () => active,
    stat: (name) => {
      const metric = metrics.series().find(({ id }) => id.stat === name)?.metric;
      return metric && 'value' in metric ? metric.value : 0;
    },
    open: async () => {
      const socket = connectTcp({ port: (proxy.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
  };
}

/** All octets until the other side has said its last. */
async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks).toString('latin1');
}

const MIB = 1_048_576;

t.test('a caller that ends first gets the whole answer', async (t) => {
  const plane = await startPlane(t, (socket) => void textOf(socket).then((asked) => socket.end(`answer to ${asked}`)));
  const socket = await plane.open();
  const answer = textOf(socket);
  socket.end('a question');
  t.equal(await answer, 'answer to a question');
  await until(() => plane.active() === 0 && plane.cluster.stats.upstreamCxActive.value === 0);
  t.equal(plane.cluster.breakers.default.connections.active, 0);
  t.same([plane.stat('cluster.c.upstream_cx_tx_bytes_total'), plane.stat('cluster.c.upstream_cx_rx_bytes_total')], [10, 20]);
  t.same([plane.cluster.stats.upstreamCxConnectMs.count, plane.cluster.stats.upstreamCxLengthMs.count], [1, 1]);
});

t.test('a host that ends first still gets all that the caller says, also when it reads it late', async (t) => {
  let seen = '';
  let read: () => void = () => {};
  const plane = await startPlane(t, (socket) => {
    socket.end('bye');
    read = () => void textOf(socket).then((text) => (seen = text));
  });
  const socket = await plane.open();
  t.equal(await textOf(socket), 'bye');
  const said = 'x'.repeat(8 * MIB);
  socket.end(said);
  await until(() => plane.stat('tcp.p.downstream_cx_rx_bytes_total') > 0);
  read();
  await until(() => seen !== '');
  t.ok(seen === said, `${seen.length} octets`);
  await until(() => plane.active() === 0 && plane.cluster.stats.upstreamCxActive.value === 0);
});

t.test('a host that breaks off ends the caller, who had kept its side open', async (t) => {
  const plane = await startPlane(t, (socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  const socket = await plane.open();
  socket.on('error', () => {});
  socket.resume();
  socket.write('go');
  await once(socket, 'end');
  await until(() => plane.active() === 0 && plane.cluster.stats.upstreamCxActive.value === 0);
  t.equal(plane.stat('tcp.p.downstream_cx_rx_bytes_total'), 2);
});

t.test('a caller that does not read stops the host, and its memory is bounded', async (t) => {
  let written = 0;
  const plane = await startPlane(t, (socket) => {
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (written < 256 * MIB && !socket.destroyed) {
        written += chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', more);
    more();
  });
  const socket = await plane.open();
  socket.pause();
  let before = -1;
  let looks = 0;
  // what the kernel takes at both sockets is all that moves
  await until(() => {
    looks = written === before && plane.stat('tcp.p.downstream_cx_tx_bytes_total') > 0 ? looks + 1 : 0;
    before = written;
    return looks === 20;
  });
  t.ok(written < 64 * MIB, `${written} octets were taken from the host`);
  socket.destroy();
  await until(() => plane.active() === 0 && plane.cluster.stats.upstreamCxActive.value === 0);
});

t.test('idle_timeout ends both sides', async (t) => {
  const clock = new FakeClock();
  let host: Socket | undefined;
  const plane = await startPlane(
    t,
    (socket) => {
      host = socket;
      socket.pipe(socket);
    },
    clock,
  );
  const socket = await plane.open();
  socket.on('error', () => {});
  socket.write('a');
  await once(socket, 'data');
  await clock.advance(3_590_000);
  socket.write('b');
  await once(socket, 'data');
  await clock.advance(3_590_000);
  t.equal(plane.active(), 1, 'an hour from the last octet');
  await clock.advance(15_000);
  await until(() => plane.active() === 0 && host?.destroyed === true);
  t.equal(plane.stat('tcp.p.idle_timeout'), 1);
  t.equal(plane.cluster.stats.upstreamCxActive.value, 0);
  t.equal(clock.pending, 0, 'no timer is left');
});
