// HTTP/1.1 through the data plane, towards either side; framing, pools, and what one side cannot say to the other.
import t, { type Test } from 'tap';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import type { Cluster as ClusterMessage } from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { HttpProtocolOptions as CommonOptions, Http1ProtocolOptions } from '../../../src/gen/envoy/config/core/v3/protocol.ts';
import {
  HttpProtocolOptions,
  HttpProtocolOptions_ExplicitHttpConfig,
} from '../../../src/gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { type DataPlane, type DataPlaneOptions, egressRetries, http2Cluster, routeTo, startDataPlane } from '../../support/data-plane.ts';
import { answerGrpc, createClient, grpcStatus, startPeer, until } from '../../support/h2-peers.ts';
import { plainResponse, type RawBackend, rawClient, rawExchange, startRawBackend } from '../../support/http1-raw.ts';
import { anyOf, message, ms } from '../../support/message.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function http1Cluster(address: string, more: Partial<ClusterMessage> = {}): Partial<ClusterMessage> {
  return http2Cluster('c', [[address]], { http2ProtocolOptions: undefined, ...more });
}

/** HttpProtocolOptions of a cluster that speaks HTTP/1.1. */
function options(common: Partial<CommonOptions>, http1: Partial<Http1ProtocolOptions> = {}): Partial<ClusterMessage> {
  const explicit = message(HttpProtocolOptions_ExplicitHttpConfig, {
    protocolConfig: { $case: 'httpProtocolOptions', value: message(Http1ProtocolOptions, http1) },
  });
  const any = anyOf(OPTIONS, HttpProtocolOptions, {
    commonHttpProtocolOptions: message(CommonOptions, common),
    upstreamProtocolOptions: { $case: 'explicitHttpConfig', value: explicit },
  });
  return { typedExtensionProtocolOptions: new Map([[OPTIONS, any]]) };
}

async function planeTo(
  t: Test,
  backend: RawBackend | { readonly address: string },
  cluster: Partial<ClusterMessage> = {},
  more: Partial<DataPlaneOptions> = {},
): Promise<DataPlane> {
  const plane = await startDataPlane({
    clusters: [http1Cluster(backend.address, cluster)],
    routes: [routeTo('c')],
    directory: t.testdir(),
    format: '%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT%',
    ...more,
  });
  t.after(() => plane.stop());
  return plane;
}

async function backendOf(t: Test, answer: Parameters<typeof startRawBackend>[0]): Promise<RawBackend> {
  const backend = await startRawBackend(answer);
  t.after(() => backend.stop());
  return backend;
}

t.test('HTTP/1.1 to HTTP/1.1: the same connection again, and what the upstream gets', async (t) => {
  const backend = await backendOf(t, ({ line, rawBody }) => plainResponse(`${line}|${rawBody}`));
  const plane = await planeTo(t, backend);
  const client = rawClient(plane.target);
  for (let i = 0; i < 3; i += 1) client.send(`GET /${i} HTTP/1.1\r\nHost: a\r\nX-Up: Q\r\nConnection: keep-alive\r\n\r\n`);
  client.send('PUT /3 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
  const responses = await client.responses(4);
  t.same(
    responses.slice(0, 3).map(({ body }) => body),
    ['GET /0 HTTP/1.1|', 'GET /1 HTTP/1.1|', 'GET /2 HTTP/1.1|'],
  );
  t.equal(responses[3]?.body, 'PUT /3 HTTP/1.1|3\r\nabc\r\n0\r\n\r\n');
  t.equal(responses[0]?.headers['connection'], undefined);
  t.match(responses[0]?.headers, { server: 'envoy', date: /GMT$/ });
  t.same(backend.requests[0]?.headers, {
    host: 'a',
    'x-up': 'Q',
    'x-forwarded-proto': 'http',
    'x-request-id': 'generated-id',
    'x-envoy-expected-rq-timeout-ms': '15000',
  });
  t.equal(backend.connections(), 1);
  client.socket.destroy();
  await until(() => plane.stat('http.test.downstream_cx_http1_active') === 0);
  t.same(
    [
      'http.test.downstream_cx_http1_total',
      'http.test.downstream_rq_http1_total',
      'cluster.c.upstream_cx_http1_total',
      'cluster.c.upstream_rq_total',
    ].map(plane.stat),
    [1, 4, 1, 4],
  );
  t.equal(plane.log()[3], 'HTTP/1.1 200 - via_upstream 3 29');
});

t.test('HTTP/1.1 to HTTP/2 and back: gRPC, trailers only where both ends want them', async (t) => {
  const peer = await startPeer((stream) => answerGrpc(stream, { body: Buffer.from('\0\0\0\0\u0002hi'), trailers: { 'x-t': '1' } }));
  t.after(() => peer.kill());
  const request =
    'POST /s/m HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nContent-Type: application/grpc\r\nContent-Length: 5\r\nCookie: a=1\r\n\r\n\0\0\0\0\0';
  const http2ProtocolOptions = http2Cluster('c', []).http2ProtocolOptions;
  const quiet = await planeTo(t, peer, { http2ProtocolOptions });
  t.match(await rawExchange(quiet.target, request), {
    status: 200,
    body: '\0\0\0\0\u0002hi',
    trailers: {},
    headers: { 'transfer-encoding': 'chunked' },
  });
  t.match(peer.streams[0]?.headers, { ':authority': 'a', ':scheme': 'http', te: 'trailers', 'content-length': '5', cookie: 'a=1' });
  t.notOk('host' in (peer.streams[0]?.headers ?? {}));
  const manager = { httpProtocolOptions: message(Http1ProtocolOptions, { enableTrailers: true }) };
  const loud = await planeTo(t, peer, { http2ProtocolOptions }, { manager });
  t.match(await rawExchange(loud.target, request), { trailers: { 'grpc-status': '0', 'x-t': '1' } });
});

t.test('HTTP/2 to HTTP/1.1: gRPC needs enable_trailers', async (t) => {
  const reply =
    'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 7\r\n\r\n';
  const backend = await backendOf(t, () => reply);
  const plane = await planeTo(t, backend, options({}, { enableTrailers: true }));
  const client = createClient(plane.target);
  t.equal(grpcStatus(await client.call()), 7);
  t.match(backend.requests[0], { headers: { te: 'trailers', 'transfer-encoding': 'chunked', 'content-type': 'application/grpc' } });
  await client.close();
  const without = await planeTo(t, backend);
  const other = createClient(without.target);
  t.not(grpcStatus(await other.call()), 7);
  await other.close();
});

t.test('many callers share idle connections; the limit of connections makes them wait', async (t) => {
  const waiting: (() => void)[] = [];
  const backend = await backendOf(t, (_request, socket) => {
    waiting.push(() => socket.write(plainResponse('ok')));
    return null;
  });
  const limits = message(CircuitBreakers_Thresholds, { maxConnections: 2 });
  const plane = await planeTo(t, backend, { circuitBreakers: message(CircuitBreakers, { thresholds: [limits] }) });
  const clients = Array.from({ length: 5 }, () => rawClient(plane.target));
  for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until(() => waiting.length === 2 && plane.stat('cluster.c.upstream_rq_pending_active') === 3);
  t.ok(plane.stat('cluster.c.upstream_cx_overflow') > 0);
  for (let served = 0; served < 5; served += 1) {
    await until(() => waiting.length > 0);
    waiting.shift()?.();
  }
  for (const client of clients) {
    t.match(await client.responses(1), [{ body: 'ok' }]);
    client.socket.destroy();
  }
  t.equal(backend.connections(), 2);
  t.equal(plane.stat('cluster.c.upstream_cx_active'), 2);
  t.equal(plane.stat('cluster.c.upstream_rq_pending_active'), 0);
});

t.test('connections are closed when idle for too long, or used often enough', async (t) => {
  const backend = await backendOf(t, () => plainResponse('ok'));
  const plane = await planeTo(t, backend, options({ maxRequestsPerConnection: 2, idleTimeout: ms(500) }));
  const ask = (): Promise<unknown> => rawExchange(plane.target, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await ask();
  await ask();
  await until(() => plane.stat('cluster.c.upstream_cx_active') === 0);
  t.equal(plane.stat('cluster.c.upstream_cx_max_requests'), 1);
  t.equal(plane.stat('cluster.c.upstream_cx_idle_timeout'), 0);
  await ask();
  await until(() => plane.stat('cluster.c.upstream_cx_idle_timeout') === 1);
  await until(() => plane.stat('cluster.c.upstream_cx_active') === 0);
  t.equal(backend.connections(), 2);
});

t.test('failures of an upstream, and retries', async (t) => {
  let fault = 'cut';
  const backend = await backendOf(t, (_request, socket) => {
    if (fault === 'none') return plainResponse('fine');
    if (fault === 'garbage') return 'what?\r\n\r\n';
    if (fault === 'late') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    socket.end();
    return null;
  });
  const plane = await planeTo(t, backend);
  const ask = (): ReturnType<typeof rawExchange> => rawExchange(plane.target, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  t.match(await ask(), { status: 503, body: /reset reason: connection termination$/ });
  fault = 'garbage';
  t.match(await ask(), { status: 502, body: /reset reason: protocol error$/ });
  t.equal(plane.stat('cluster.c.upstream_cx_protocol_error'), 1);
  fault = 'late';
  const client = rawClient(plane.target);
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  t.match(await client.closed(), /\r\n\r\nabc$/);
  fault = 'none';
  t.match(await ask(), { status: 200, body: 'fine' });
  t.match(plane.log(), [/^HTTP\/1.1 503 UC/, /UPE/, /^HTTP\/1.1 200 UC upstream_reset_after_response_started/, /via_upstream/]);
  const retrying = await planeTo(t, backend, {}, { routes: [routeTo('c', { retryPolicy: egressRetries() })] });
  fault = 'cut';
  const answer = rawExchange(retrying.target, 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc');
  await until(() => retrying.stat('cluster.c.upstream_rq_retry') >= 1);
  fault = 'none';
  t.match(await answer, { status: 200, body: 'fine' });
  t.match(backend.requests.at(-1), { rawBody: 'abc' });
  await backend.stop();
  t.match(await ask(), { status: 503, body: /remote connection failure/ });
});

t.test('a large response to a slow reader is held up at its source, on all paths', async (t) => {
  const size = 64_000_000;
  let written = 0;
  const backend = await backendOf(t, (_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
    const more = (): void => {
      while (written < size && !socket.destroyed) {
        written += 65_536;
        if (!socket.write(Buffer.alloc(Math.min(65_536, size - written + 65_536)))) return void socket.once('drain', more);
      }
    };
    more();
    return null;
  });
  const plane = await planeTo(t, backend, {}, { bufferLimit: 262_144 });
  const client = rawClient(plane.target);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  let stalled = 0;
  for (let last = -1; stalled < 1000; stalled = written > 0 && written === last ? stalled + 1 : 0) {
    last = written;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(written < 24_000_000, `${written} octets were written before the backend was held up`);
  client.socket.destroy();
  await until(() => plane.stat('cluster.c.upstream_cx_active') === 0);
  t.match(plane.log(), [/^HTTP\/1.1 200 DC/]);
});

t.test('codec HTTP1 speaks nothing else; CONNECT and upgrades are refused', async (t) => {
  const backend = await backendOf(t, () => plainResponse('ok'));
  const plane = await planeTo(t, backend, {}, { manager: { codecType: 1 } });
  t.match(await rawExchange(plane.target, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'), { body: 'ok' });
  t.match(await rawExchange(plane.target, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), { isClosed: true });
  t.match(await rawExchange(plane.target, 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'), {
    status: 403,
    isClosed: true,
  });
  t.match(await rawExchange(plane.target, 'CONNECT b:1 HTTP/1.1\r\nhost: b:1\r\n\r\n'), { isClosed: true });
  t.equal(backend.requests.length, 1);
});

t.test('a request whose head never gets ready is told so', async (t) => {
  const plane = await planeTo(t, { address: '127.0.0.1:1' }, {}, { manager: { streamIdleTimeout: ms(100) } });
  const client = rawClient(plane.target);
  client.send('GET / HT');
  t.match(await client.responses(1), [{ status: 408, body: 'stream timeout' }]);
  await client.closed();
  t.match(plane.log(), [/^HTTP\/1.1 408 SI stream_idle_timeout/]);
});

t.test('draining a listener ends its connections behind their answers', async (t) => {
  let release = (): void => {};
  const backend = await backendOf(t, (_request, socket) => {
    release = () => socket.write(plainResponse('late'));
    return null;
  });
  const plane = await planeTo(t, backend);
  const client = rawClient(plane.target);
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until(() => backend.requests.length === 1);
  plane.listener.drainConnections(10_000);
  release();
  t.match(await client.responses(1), [{ body: 'late', headers: { connection: 'close' } }]);
  await client.closed();
});
