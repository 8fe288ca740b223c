// What goes through the data plane untouched, what it adds, and what it answers itself. Real sockets, Node's HTTP/2 at both ends.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { DirectResponseAction, Route, RouteMatch } from '../../../src/gen/envoy/config/route/v3/route_components.ts';
import { http2Cluster, routeTo, startDataPlane } from '../../support/data-plane.ts';
import { settle } from '../../support/fake-clock.ts';
import { answerGrpc, answerStatus, createClient, grpcMessage, grpcStatus, startPeer, until } from '../../support/h2-peers.ts';
import { message, ms } from '../../support/message.ts';

const FORMAT = '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %GRPC_STATUS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_HOST%';

t.test('a call passes with headers, body and trailers as they are, and what Envoy adds', async (t) => {
  const answer = randomBytes(300);
  const peer = await startPeer((stream) =>
    answerGrpc(stream, { body: answer, headers: { 'grpc-encoding': 'snappy', 'x-own': 'a' }, trailers: { 'x-trailer': 'b' } }),
  );
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[peer.address]])],
    routes: [routeTo('c')],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const outcome = await client.call({
    headers: {
      'grpc-encoding': 'snappy',
      'grpc-accept-encoding': 'snappy,zstd,gzip',
      'grpc-timeout': '9992562u',
      'x-scope-orgid': 'tenant-1',
      'x-envoy-retry-on': '5xx',
      'x-envoy-upstream-rq-timeout-ms': '1',
    },
    body: Buffer.from('hello'),
  });
  t.equal(grpcStatus(outcome), 0);
  t.same(outcome.body, answer);
  t.match(outcome.headers, { 'grpc-encoding': 'snappy', 'x-own': 'a', server: 'envoy', ':status': 200 });
  t.match(outcome.headers['x-envoy-upstream-service-time'], /^\d+$/);
  t.match(outcome.headers.date, /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/);
  t.equal(outcome.trailers['x-trailer'], 'b');
  const seen = peer.streams[0]?.headers ?? {};
  t.match(seen, {
    ':authority': '127.0.0.13:9096',
    'grpc-encoding': 'snappy',
    'grpc-accept-encoding': 'snappy,zstd,gzip',
    'grpc-timeout': '9992562u',
    'x-scope-orgid': 'tenant-1',
    'x-forwarded-proto': 'http',
    'x-request-id': 'generated-id',
    'x-envoy-expected-rq-timeout-ms': '15000',
    te: 'trailers',
  });
  t.notOk('x-envoy-retry-on' in seen, 'callers do not steer retries');
  t.notOk('x-envoy-upstream-rq-timeout-ms' in seen);
  await client.close();
  t.same(plane.log(), [`200 - via_upstream OK 5 300 ${peer.address}`]);
  t.equal(plane.stat('cluster.c.upstream_rq_total'), 1);
  t.equal(plane.stat('cluster.c.upstream_rq_200'), 1);
  t.equal(plane.stat('http.test.downstream_rq_2xx'), 1);
  t.equal(plane.stat('cluster.c.upstream_rq_active'), 0);
  t.equal(plane.cluster('c').hosts[0]?.rqSuccess, 1);
  await plane.stop();
  await peer.kill();
});

t.test('two x-scope-orgid stay two', async (t) => {
  const peer = await startPeer((stream) => answerGrpc(stream));
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes: [routeTo('c')], directory: t.testdir() });
  const client = createClient(plane.target);
  await client.call({ headers: { 'x-scope-orgid': ['a', 'b'] } });
  t.equal(peer.streams[0]?.rawNames.filter((name) => name === 'x-scope-orgid').length, 2);
  await client.close();
  await plane.stop();
  await peer.kill();
});

t.test('16 MiB each way, fifty at a time on one connection', async (t) => {
  const big = randomBytes(16 * 1024 * 1024);
  const peer = await startPeer((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'snappy' }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat(chunks));
    });
  });
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes: [routeTo('c')], directory: t.testdir() });
  const client = createClient(plane.target);
  const outcome = await client.call({ headers: { 'grpc-encoding': 'snappy' }, body: big });
  t.equal(grpcStatus(outcome), 0);
  t.ok(outcome.body.equals(big), 'every byte is there, in order');
  const small = big.subarray(0, 100_000);
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => client.call({ body: small })));
  t.ok(outcomes.every((one) => grpcStatus(one) === 0 && one.body.equals(small)));
  t.equal(plane.stat('cluster.c.upstream_cx_total'), 1, 'one connection carries them all');
  await client.close();
  await plane.stop();
  await peer.kill();
});

t.test("what cannot be routed or reached is answered in Envoy's words", async (t) => {
  const dead = await startPeer(() => {});
  await dead.kill();
  const direct = message(Route, {
    match: message(RouteMatch, { pathSpecifier: { $case: 'prefix', value: '/direct' } }),
    action: {
      $case: 'directResponse',
      value: message(DirectResponseAction, {
        status: 429,
        body: { specifier: { $case: 'inlineString', value: 'slow down: 100%' }, watchedDirectory: undefined },
      }),
    },
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('dead', [[dead.address]]), http2Cluster('empty', [])],
    routes: [direct, routeTo('dead', {}, '/dead'), routeTo('empty', {}, '/empty'), routeTo('missing', {}, '/missing')],
    directory: t.testdir(),
    format: '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%',
  });
  const client = createClient(plane.target);
  const cases: readonly (readonly [string, number, string | undefined])[] = [
    ['/nothing', 12, undefined],
    ['/missing', 14, undefined],
    ['/empty', 14, 'no healthy upstream'],
    ['/dead', 14, 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure'],
    ['/direct', 14, 'slow down: 100%'],
  ];
  for (const [path, status, text] of cases) {
    const outcome = await client.call({ path });
    t.equal(grpcStatus(outcome), status, path);
    t.equal('grpc-message' in outcome.headers ? grpcMessage(outcome) : undefined, text, path);
    t.equal(outcome.headers[':status'], 200);
    t.equal(outcome.headers['content-type'], 'application/grpc');
  }
  const plain = await client.call({ path: '/empty', headers: { 'content-type': 'text/plain' } });
  t.match(plain.headers, { ':status': 503, 'content-type': 'text/plain', 'content-length': '19' });
  t.equal(plain.body.toString(), 'no healthy upstream');
  t.equal((await client.call({ path: '/nothing', headers: { 'content-type': 'text/plain' } })).headers[':status'], 404);
  await client.close();
  t.same(plane.log(), [
    '/nothing 200 NR route_not_found',
    '/missing 200 NC cluster_not_found',
    '/empty 200 UH no_healthy_upstream',
    '/dead 200 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}',
    '/direct 200 - direct_response',
    '/empty 503 UH no_healthy_upstream',
    '/nothing 404 NR route_not_found',
  ]);
  t.equal(plane.stat('http.test.no_route'), 2);
  t.equal(plane.stat('http.test.no_cluster'), 1);
  t.equal(plane.stat('cluster.empty.upstream_cx_none_healthy'), 2);
  t.equal(plane.stat('cluster.dead.upstream_cx_connect_fail'), 1);
  t.equal(plane.stat('cluster.dead.upstream_rq_503'), 1);
  await plane.stop();
});

t.test('an answer without data, a plain 503 and missing trailers pass as they are', async (t) => {
  const peer = await startPeer((stream, headers) => {
    if (headers[':path'] === '/only') answerStatus(stream, 5, 'gone');
    else if (headers[':path'] === '/plain') {
      stream.respond({ ':status': 503, 'content-type': 'text/plain' });
      stream.end('sorry');
    } else {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.end('x');
    }
  });
  const plane = await startDataPlane({ clusters: [http2Cluster('c', [[peer.address]])], routes: [routeTo('c')], directory: t.testdir() });
  const client = createClient(plane.target);
  const only = await client.call({ path: '/only' });
  t.equal(grpcStatus(only), 5);
  t.equal(grpcMessage(only), 'gone');
  const plain = await client.call({ path: '/plain' });
  t.match(plain.headers, { ':status': 503, 'content-type': 'text/plain' });
  t.equal(plain.body.toString(), 'sorry');
  const missing = await client.call({ path: '/missing' });
  t.same([missing.body.toString(), grpcStatus(missing), missing.reset], ['x', -1, 0]);
  await client.close();
  await plane.stop();
  await peer.kill();
});

t.test('a caller that cancels ends the call upstream, and the other way round', async (t) => {
  const peer = await startPeer((stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    stream.write('begun');
    if (headers[':path'] === '/reset') stream.once('data', () => stream.close(8));
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[peer.address]])],
    routes: [routeTo('c')],
    directory: t.testdir(),
    format: '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %GRPC_STATUS%',
  });
  const client = createClient(plane.target);
  const stream = client.open({ ':path': '/cancel' });
  await new Promise((resolve) => stream.once('data', resolve));
  stream.close(8);
  await until(() => peer.streams[0]?.closedBy === 8);
  t.pass('the backend saw CANCEL');
  const outcome = await client.call({ path: '/reset' });
  t.equal(outcome.body.toString(), 'begun');
  t.equal(outcome.reset, 2, 'INTERNAL_ERROR once a response has begun, whatever the upstream said');
  await client.close();
  t.same(plane.log(), [
    '/cancel 200 DR http2.remote_reset Unknown',
    '/reset 200 UR upstream_reset_after_response_started{remote_reset} Unknown',
  ]);
  t.equal(plane.stat('http.test.downstream_rq_rx_reset'), 1);
  t.equal(plane.stat('http.test.downstream_rq_tx_reset'), 1);
  t.equal(plane.stat('cluster.c.upstream_rq_tx_reset'), 1);
  t.equal(plane.stat('cluster.c.upstream_rq_rx_reset'), 1);
  await plane.stop();
  await peer.kill();
});

t.test("timeouts: the route's, and the caller's own when the route lets it", async (t) => {
  const peer = await startPeer((stream) => stream.resume());
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[peer.address]])],
    routes: [
      routeTo('c', { timeout: ms(30) }, '/route'),
      routeTo(
        'c',
        {
          timeout: ms(0),
          maxStreamDuration: { maxStreamDuration: undefined, grpcTimeoutHeaderMax: ms(0), grpcTimeoutHeaderOffset: undefined },
        },
        '/own',
      ),
      routeTo('c', { timeout: ms(0), idleTimeout: ms(40) }, '/idle'),
    ],
    directory: t.testdir(),
    format: '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%',
  });
  const client = createClient(plane.target);
  const route = await client.call({ path: '/route' });
  t.same([grpcStatus(route), grpcMessage(route)], [14, 'upstream request timeout']);
  const own = await client.call({ path: '/own', headers: { 'grpc-timeout': '30m' } });
  t.same([grpcStatus(own), grpcMessage(own)], [4, 'downstream duration timeout']);
  const idle = await client.call({ path: '/idle' });
  t.same([grpcStatus(idle), grpcMessage(idle)], [14, 'stream timeout']);
  await until(() => peer.streams.every(({ closedBy }) => closedBy === 8));
  await client.close();
  t.same(plane.log(), ['UT response_timeout', '- max_duration_timeout', 'SI stream_idle_timeout']);
  await plane.stop();
  await peer.kill();
});

t.test('a reader who does not read bounds what is held', async (t) => {
  let written = 0;
  const peer = await startPeer((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    const block = Buffer.alloc(65_536);
    const push = (): void => {
      while (written < 256 * 1024 * 1024) {
        written += block.length;
        if (!stream.write(block)) {
          stream.once('drain', push);
          return;
        }
      }
    };
    push();
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[peer.address]])],
    routes: [routeTo('c')],
    directory: t.testdir(),
    bufferLimit: 256 * 1024,
  });
  const client = createClient(plane.target);
  const stream = client.open();
  stream.pause();
  let stalledTurns = 0;
  for (let last = -1; stalledTurns < 2000; stalledTurns = written > 0 && written === last ? stalledTurns + 1 : 0) {
    last = written;
    await settle();
  }
  t.ok(written < 8 * 1024 * 1024, `the backend could write ${written} bytes before it was held up`);
  stream.close(8);
  await client.close();
  await plane.stop();
  await peer.kill();
});
