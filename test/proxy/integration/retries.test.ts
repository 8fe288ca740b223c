// Second tries over real sockets: what is retried, where, how often, and what a slow first try may still do.
import t from 'tap';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import { OutlierDetection } from '../../../src/gen/envoy/config/cluster/v3/outlier_detection.ts';
import { HedgePolicy, RetryPolicy } from '../../../src/gen/envoy/config/route/v3/route_components.ts';
import { egressRetries, http2Cluster, routeTo, startDataPlane } from '../../support/data-plane.ts';
import { answerGrpc, answerStatus, createClient, grpcMessage, grpcStatus, type Peer, startPeer, until } from '../../support/h2-peers.ts';
import { message, ms } from '../../support/message.ts';

const FORMAT = '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_HOST%';
const hedgePolicy = message(HedgePolicy, { hedgeOnPerTryTimeout: true });

/** Settings of the egress shape: only the host's own failures count. */
const outlierDetection = message(OutlierDetection, {
  splitExternalLocalOriginErrors: true,
  enforcingConsecutive5xx: 0,
  consecutiveGatewayFailure: 3,
  enforcingConsecutiveGatewayFailure: 100,
  consecutiveLocalOriginFailure: 3,
  interval: ms(1000),
  baseEjectionTime: ms(2000),
  maxEjectionPercent: 50,
});

const named = (name: string): Promise<Peer> => startPeer((stream) => answerGrpc(stream, { headers: { 'x-member': name } }));

t.test('a member that is gone costs no call: the other priority answers', async (t) => {
  const [first, second] = [await named('first'), await named('second')];
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[first.address], [second.address]], { outlierDetection })],
    routes: [routeTo('c', { timeout: ms(0), retryPolicy: egressRetries() })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const calls = (count: number) => Promise.all(Array.from({ length: count }, () => client.call()));
  t.ok((await calls(20)).every(({ headers }) => headers['x-member'] === 'first'));
  const during = calls(50);
  await first.kill();
  const outcomes = [...(await during), ...(await calls(50))];
  t.equal(outcomes.filter((outcome) => grpcStatus(outcome) !== 0).length, 0, 'nothing failed');
  t.ok((await calls(5)).every(({ headers }) => headers['x-member'] === 'second'));
  t.match(plane.log().at(-6), new RegExp(`^- via_upstream [12] ${second.address}$`));
  t.equal(plane.cluster('c').hosts[0]?.healthFlags, '/failed_outlier_check', 'it is ejected');
  t.equal(plane.stat('cluster.c.outlier_detection.ejections_active'), 1);
  t.ok(plane.stat('cluster.c.upstream_rq_retry_success') > 0);
  t.equal(plane.stat('cluster.c.circuit_breakers.default.rq_retry_open'), 0);
  await client.close();
  await plane.stop();
  await second.kill();
});

t.test('a body is sent again as it was; one beyond the buffer is not', async (t) => {
  const bodies: number[] = [];
  const flaky = await startPeer((stream) => {
    stream.resume();
    stream.once('end', () => stream.close(8));
  });
  const good = await startPeer((stream) => {
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    stream.once('end', () => bodies.push(size));
    answerGrpc(stream);
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[flaky.address], [good.address]])],
    routes: [{ ...routeTo('c', { retryPolicy: egressRetries() }), perRequestBufferLimitBytes: 100_000 }],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  t.equal(grpcStatus(await client.call({ body: Buffer.alloc(90_000) })), 0);
  t.same(bodies, [90_000]);
  const large = await client.call({ body: Buffer.alloc(300_000) });
  t.same(
    [grpcStatus(large), grpcMessage(large)],
    [14, 'upstream connect error or disconnect/reset before headers. reset reason: remote reset'],
  );
  t.equal(plane.stat('cluster.c.retry_or_shadow_abandoned'), 1);
  await client.close();
  t.same(plane.log(), [`- via_upstream 2 ${good.address}`, `UR upstream_reset_before_response_started{remote_reset} 1 ${flaky.address}`]);
  await plane.stop();
  await Promise.all([flaky.kill(), good.kill()]);
});

t.test('why a try had no connection is told of the last one only', async (t) => {
  const [dead, good] = [await named('dead'), await named('good')];
  await dead.kill();
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[dead.address], [good.address]]), http2Cluster('dead', [[dead.address]])],
    routes: ['dead', 'c'].map((name) => routeTo(name, { timeout: ms(0), retryPolicy: egressRetries() }, `/${name}`)),
    directory: t.testdir(),
    format: '%UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_TRANSPORT_FAILURE_REASON%',
  });
  const client = createClient(plane.target);
  t.equal((await client.call({ path: '/c' })).headers['x-member'], 'good');
  t.equal(grpcStatus(await client.call({ path: '/dead' })), 14);
  await client.close();
  t.same(plane.log(), ['2 -', '2 delayed_connect_error:_Connection_refused']);
  await plane.stop();
  await good.kill();
});

t.test('a hung member: a hedge wins, the loser is reset', async (t) => {
  const hung = await startPeer((stream) => stream.resume());
  const good = await named('good');
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[hung.address], [good.address]], { outlierDetection })],
    routes: [routeTo('c', { timeout: ms(0), retryPolicy: egressRetries({ perTryTimeout: ms(250) }), hedgePolicy })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const outcome = await client.call();
  t.equal(outcome.headers['x-member'], 'good');
  await until(() => hung.streams[0]?.closedBy === 8);
  await client.close();
  t.same(plane.log(), [`- via_upstream 2 ${good.address}`]);
  t.equal(plane.stat('cluster.c.upstream_rq_per_try_timeout'), 0, 'it is only counted where it ends a try');
  t.equal(plane.stat('cluster.c.upstream_rq_tx_reset'), 1);
  await plane.stop();
  await Promise.all([hung.kill(), good.kill()]);
});

t.test('a hedge that fails, or that has nowhere to go, never ends a first try that lives', async (t) => {
  const slow = await startPeer((stream) => {
    setTimeout(() => answerGrpc(stream, { headers: { 'x-member': 'slow' } }), 300);
  });
  const [dead, bad] = [await named('dead'), await startPeer((stream) => answerStatus(stream, 14))];
  await dead.kill();
  const route = { timeout: ms(0), retryPolicy: egressRetries({ perTryTimeout: ms(40) }), hedgePolicy };
  const plane = await startDataPlane({
    clusters: [
      http2Cluster('dead-hedge', [[slow.address], [dead.address]]),
      http2Cluster('bad-hedge', [[slow.address], [bad.address]]),
      http2Cluster('alone', [[slow.address]]),
    ],
    routes: ['dead-hedge', 'bad-hedge', 'alone'].map((name) => routeTo(name, route, `/${name}`)),
    directory: t.testdir(),
    format: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  });
  const client = createClient(plane.target);
  for (const name of ['dead-hedge', 'bad-hedge', 'alone']) {
    const outcome = await client.call({ path: `/${name}` });
    t.equal(outcome.headers['x-member'], 'slow', name);
  }
  t.same(plane.log(), ['2', '2', '1'], 'no hedge is sent where no host is left');
  t.equal(plane.stat('cluster.alone.upstream_rq_retry'), 0);
  await client.close();
  await plane.stop();
  await Promise.all([slow.kill(), bad.kill()]);
});

t.test('twenty answers Unknown throw nobody out and are not retried; Unavailable is', async (t) => {
  let status = 2;
  const peer = await startPeer((stream) => answerStatus(stream, status, 'cannot guarantee complete results'));
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[peer.address]], { outlierDetection })],
    routes: [routeTo('c', { timeout: ms(0), retryPolicy: egressRetries() })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => client.call()));
  t.ok(outcomes.every((outcome) => grpcStatus(outcome) === 2 && grpcMessage(outcome) === 'cannot guarantee complete results'));
  t.equal(plane.stat('cluster.c.outlier_detection.ejections_enforced_total'), 0);
  t.equal(peer.streams.length, 20);
  status = 14;
  t.equal(grpcStatus(await client.call()), 14, 'the last answer passes when tries are used up');
  t.equal(peer.streams.length, 22);
  await client.close();
  t.equal(plane.log().at(-1), `URX via_upstream 2 ${peer.address}`);
  t.equal(plane.stat('cluster.c.upstream_rq_retry_limit_exceeded'), 1);
  await plane.stop();
  await peer.kill();
});

t.test('per-try timeouts without hedging; the whole time; retries used up', async (t) => {
  const hung = await startPeer((stream) => stream.resume());
  const retryPolicy = message(RetryPolicy, {
    retryOn: 'reset',
    numRetries: 2,
    perTryTimeout: ms(20),
    retryBackOff: { baseInterval: ms(1), maxInterval: ms(1) },
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[hung.address]])],
    routes: [routeTo('c', { timeout: ms(0), retryPolicy })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const outcome = await client.call();
  t.same([grpcStatus(outcome), grpcMessage(outcome)], [14, 'upstream request timeout']);
  await until(() => hung.streams.length === 3 && hung.streams.every(({ closedBy }) => closedBy === 8));
  await client.close();
  t.same(plane.log(), [`URX,UT upstream_per_try_timeout 3 ${hung.address}`]);
  await plane.stop();
  await hung.kill();
});

t.test('circuit breakers: requests that are too many are told so, retries are bounded', async (t) => {
  const hung = await startPeer((stream) => stream.resume());
  const limits = (fields: Partial<CircuitBreakers_Thresholds>) => ({
    circuitBreakers: message(CircuitBreakers, { thresholds: [message(CircuitBreakers_Thresholds, { trackRemaining: true, ...fields })] }),
  });
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[hung.address]], limits({ maxRequests: 2 }))],
    routes: [routeTo('c', { timeout: ms(0) })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const held = [client.open(), client.open()];
  await until(() => hung.streams.length === 2);
  t.equal(plane.stat('cluster.c.circuit_breakers.default.rq_open'), 1);
  t.equal(plane.stat('cluster.c.circuit_breakers.default.remaining_rq'), 0);
  const refused = await client.call();
  t.same(
    [grpcStatus(refused), grpcMessage(refused)],
    [14, 'upstream connect error or disconnect/reset before headers. reset reason: overflow'],
  );
  t.equal(refused.headers['x-envoy-overloaded'], 'true');
  t.match(plane.log()[0], /^UO upstream_reset_before_response_started\{overflow\} 1 /);
  for (const stream of held) stream.close(8);
  await until(() => plane.stat('cluster.c.circuit_breakers.default.remaining_rq') === 2);
  t.equal(plane.stat('cluster.c.upstream_rq_active_overflow'), 1);
  await client.close();
  await plane.stop();
  await hung.kill();
});

t.test('a request that is cut with its cluster asks nobody else and leaves no connection', async (t) => {
  const silent = await startPeer(() => {});
  const plane = await startDataPlane({
    clusters: [http2Cluster('c', [[silent.address]])],
    routes: [routeTo('c', { timeout: ms(0), retryPolicy: egressRetries() })],
    directory: t.testdir(),
    format: FORMAT,
  });
  const client = createClient(plane.target);
  const call = client.call();
  await until(() => silent.streams.length === 1);
  plane.cluster('c').close();
  const outcome = await call;
  t.same([grpcStatus(outcome), grpcMessage(outcome)], [14, 'no healthy upstream']);
  await until(() => silent.sessions.size === 0);
  t.equal(silent.streams.length, 1);
  await client.close();
  await plane.stop();
  await silent.kill();
});
