// Listeners: ports that are had, handed over and refused in Envoy's words; what compiles; TCP passed on.
import { type AddressInfo, connect as connectTcp, createServer, type Server } from 'node:net';
import t from 'tap';
import { seededRandom, systemClock } from '../../../src/core/index.ts';
import { Cluster as ClusterMessage } from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { Listener as ListenerMessage } from '../../../src/gen/envoy/config/listener/v3/listener.ts';
import { Filter, FilterChain, FilterChainMatch, ListenerFilter } from '../../../src/gen/envoy/config/listener/v3/listener_components.ts';
import { RouteConfiguration } from '../../../src/gen/envoy/config/route/v3/route.ts';
import { VirtualHost } from '../../../src/gen/envoy/config/route/v3/route_components.ts';
import { Router } from '../../../src/gen/envoy/extensions/filters/http/router/v3/router.ts';
import {
  HttpConnectionManager,
  HttpFilter,
} from '../../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { TcpProxy } from '../../../src/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { field } from '../../../src/http2/index.ts';
import { FileSinks } from '../../../src/proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler } from '../../../src/proxy/cluster/index.ts';
import { createListenerCompiler } from '../../../src/proxy/listener/index.ts';
import { createHostPools } from '../../../src/proxy/upstream/index.ts';
import { MetricRegistry, prometheusText, silentLogger } from '../../../src/telemetry/index.ts';
import { connect, listen, resolveName } from '../../../src/transport/index.ts';
import { http2Cluster, routeTo, socketAddress } from '../../support/data-plane.ts';
import { until } from '../../support/h2-peers.ts';
import { anyOf, bytesOf, message } from '../../support/message.ts';
import { tlsSources } from '../../support/tls-sources.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const clock = systemClock;

function bench(clusters: ReadonlyMap<string, Cluster> = new Map()) {
  const metrics = new MetricRegistry();
  const accessLogs = new FileSinks({ clock, logger: silentLogger });
  const compiler = createListenerCompiler({
    clock,
    random: seededRandom(1),
    metrics,
    accessLogs,
    connect,
    listen,
    logger: silentLogger,
    tlsSources,
    worker: 0,
    drainTimeMs: 1000,
    currentConfig: () => ({ generation: 1, routes: new Map(), clusters }),
    createRequestId: () => field('x-request-id', 'id'),
  });
  return {
    metrics,
    compile: (fields: Partial<ListenerMessage>) => compiler.compile('l', bytesOf(ListenerMessage, { name: 'l', ...fields })),
  };
}

function manager(fields: Partial<HttpConnectionManager> = {}): Filter {
  const router = message(HttpFilter, {
    name: 'router',
    configType: { $case: 'typedConfig', value: anyOf('envoy.extensions.filters.http.router.v3.Router', Router) },
  });
  const routeConfig = message(RouteConfiguration, { name: 'inline' });
  const value = anyOf(HCM, HttpConnectionManager, {
    statPrefix: 'p',
    routeSpecifier: { $case: 'routeConfig', value: routeConfig },
    httpFilters: [router],
    ...fields,
  });
  return message(Filter, { name: 'http', configType: { $case: 'typedConfig', value } });
}

function listenerOn(address: string, chain: Partial<FilterChain> = {}): Partial<ListenerMessage> {
  return { address: socketAddress(address), filterChains: [message(FilterChain, { filters: [manager()], ...chain })] };
}

async function freePort(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

t.test("a port in use, and an address that is not here, are refused in Envoy's words", async (t) => {
  const { server, port } = await freePort();
  const { compile } = bench();
  await t.rejects(compile(listenerOn(`127.0.0.1:${port}`)).compiled.bind(null), {
    message: `cannot bind '127.0.0.1:${port}': Address already in use`,
  });
  await t.rejects(compile(listenerOn('203.0.113.1:9096')).compiled.bind(null), {
    message: "cannot bind '203.0.113.1:9096': Cannot assign requested address",
  });
  server.close();
});

t.test('an update takes over the socket: connections wait, nobody is refused', async (t) => {
  const { compile } = bench();
  const { server, port } = await freePort();
  await new Promise((resolve) => server.close(resolve));
  const old = compile(listenerOn(`127.0.0.1:${port}`)).compiled;
  const next = compile(listenerOn(`127.0.0.1:${port}`)).compiled;
  await old.bind(null);
  const early = connectTcp(port, '127.0.0.1');
  await new Promise((resolve) => early.once('connect', resolve));
  t.equal(old.activeConnections, 0, 'nobody serves yet');
  old.serve();
  await until(() => old.activeConnections === 1);
  await next.bind(old);
  next.serve();
  old.retire();
  const late = connectTcp(port, '127.0.0.1');
  await new Promise((resolve) => late.once('connect', resolve));
  await until(() => next.activeConnections === 1);
  await until(() => old.activeConnections === 0);
  late.destroy();
  early.destroy();
  await next.drain(0);
  const again = compile(listenerOn(`127.0.0.1:${port}`)).compiled;
  await again.bind(null);
  await again.drain(0);
  t.pass('the port was free again');
});

t.test('dependencies: routes by name, or clusters of inline routes', (t) => {
  const { compile } = bench();
  const host = message(VirtualHost, { name: 'h', domains: ['*'], routes: [routeTo('c')] });
  const routeConfig = message(RouteConfiguration, { virtualHosts: [host] });
  const inline = { filters: [manager({ routeSpecifier: { $case: 'routeConfig', value: routeConfig } })] };
  t.same(compile(listenerOn('127.0.0.1:0', inline)).dependencies, { clusters: ['c'], clustersMustExist: true });
  t.end();
});

t.test('what cannot be done is refused by the name of its field', (t) => {
  const { compile } = bench();
  const refused = (fields: Partial<ListenerMessage>, text: string | RegExp) => t.throws(() => compile(fields), { message: text });
  const chain = (fields: Partial<FilterChain>) => listenerOn('127.0.0.1:9096', fields);
  const hcm = (fields: Partial<HttpConnectionManager>) => chain({ filters: [manager(fields)] });
  refused({ address: socketAddress('127.0.0.1:9096') }, "error adding listener '127.0.0.1:9096': no filter chains specified");
  refused(listenerOn('live-store:9096'), 'address.socket_address.address: malformed IP address: live-store');
  refused(
    chain({ filterChainMatch: message(FilterChainMatch, { serverNames: ['x'] }) }),
    'filter_chains[0].filter_chain_match.server_names: is not supported',
  );
  refused({ ...listenerOn('127.0.0.1:9096'), useOriginalDst: true }, 'use_original_dst: is not supported');
  refused(
    { ...listenerOn('127.0.0.1:9096'), listenerFilters: [message(ListenerFilter, { name: 'envoy.filters.listener.original_dst' })] },
    'listener_filters[0]: envoy.filters.listener.original_dst is not supported',
  );
  const at = 'filter_chains[0].filters[0].typed_config';
  refused(hcm({ statPrefix: '' }), `${at}.stat_prefix: is required`);
  refused(hcm({ httpFilters: [] }), `${at}.http_filters: needs envoy.extensions.filters.http.router.v3.Router as its last filter`);
  refused(hcm({ normalizePath: true }), `${at}.normalize_path: is not supported`);
  refused(hcm({ codecType: 3 }), `${at}.codec_type: is not supported (only AUTO, HTTP1 and HTTP2)`);
  refused(hcm({ requestTimeout: { seconds: 1n, nanos: 0 } }), `${at}.request_timeout: is not supported`);
  refused(
    chain({
      filters: [message(Filter, { configType: { $case: 'typedConfig', value: { typeUrl: 'x/nope.v1.X', value: new Uint8Array(0) } } })],
    }),
    /^filter_chains\[0\]\.filters\[0\]\.typed_config: nope\.v1\.X is not supported/,
  );
  t.end();
});

t.test('the egress listener of control compiles: every field it sets is honoured or harmless', (t) => {
  const { compile } = bench();
  const { compiled } = compile({
    ...listenerOn('127.0.0.1:9096', {
      filters: [
        manager({
          streamIdleTimeout: { seconds: 120n, nanos: 0 },
          generateRequestId: false,
          serverHeaderTransformation: 2,
          skipXffAppend: true,
        }),
      ],
    }),
    trafficDirection: 2,
    enableReusePort: false,
  });
  t.equal(compiled.settings.direction, 'OUTBOUND');
  t.end();
});

t.test('tcp_proxy passes bytes both ways and counts', async (t) => {
  const echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const metrics = new MetricRegistry();
  const compiler = createClusterCompiler({
    clock,
    random: seededRandom(1),
    metrics,
    tlsSources,
    resolveName,
    createPool: createHostPools({ clock, connect }),
  });
  const target = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
  const cluster = compiler.compile('c', bytesOf(ClusterMessage, http2Cluster('c', [[target]]))).compiled;
  const { compile, metrics: counted } = bench(new Map([['c', cluster]]));
  const tcp = anyOf('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', TcpProxy, {
    statPrefix: 'ring',
    clusterSpecifier: { $case: 'cluster', value: 'c' },
  });
  const { compiled, dependencies } = compile(
    listenerOn('127.0.0.1:0', { filters: [message(Filter, { configType: { $case: 'typedConfig', value: tcp } })] }),
  );
  t.same(dependencies, { clusters: ['c'] });
  await compiled.bind(null);
  compiled.serve();
  const socket = connectTcp(compiled.address.port, '127.0.0.1');
  let back = '';
  socket.on('data', (chunk) => {
    back += chunk;
  });
  socket.write('hello');
  await until(() => back === 'hello');
  socket.end();
  await new Promise((resolve) => socket.once('close', resolve));
  await until(() => compiled.activeConnections === 0 && cluster.stats.upstreamCxActive.value === 0);
  const text = prometheusText(counted, { envoyStyle: true });
  t.match(text, 'envoy_tcp_downstream_cx_rx_bytes_total{envoy_tcp_prefix="ring"} 5\n');
  t.match(text, 'envoy_tcp_downstream_cx_tx_bytes_total{envoy_tcp_prefix="ring"} 5\n');
  t.match(text, 'envoy_listener_downstream_cx_total{envoy_listener_address="127.0.0.1_0"} 1\n');
  await compiled.drain(0);
  cluster.close();
  await new Promise((resolve) => echo.close(resolve));
});
