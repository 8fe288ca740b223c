// What the connection manager makes of headers, which answers are its own, and how long a request may take.
import { randomFillSync } from 'node:crypto';
import t from 'tap';
import { field, headerBlock } from '../../../src/http2/index.ts';
import type { HeaderBlock } from '../../../src/http2/types.ts';
import { renderReply } from '../../../src/proxy/filter/http/local-reply.ts';
import { readRequestHead } from '../../../src/proxy/filter/http/request-head.ts';
import { createRequestIds } from '../../../src/proxy/filter/http/request-ids.ts';
import { ResponseHeaders } from '../../../src/proxy/filter/http/response-headers.ts';
import { routedHeaders } from '../../../src/proxy/filter/http/routed-headers.ts';
import type { HttpSettings } from '../../../src/proxy/filter/http/settings.ts';
import { streamDurationMs } from '../../../src/proxy/filter/http/stream-duration.ts';
import { IdleSweep } from '../../../src/proxy/filter/idle-sweep.ts';
import type { ForwardAction, Route } from '../../../src/proxy/route/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a/b'],
  [':authority', 'h:1'],
  ['content-type', 'application/grpc'],
];

const NEW_ID = field('x-request-id', 'new-id');

function managed(settings: Partial<HttpSettings>, more: readonly (readonly [string, string])[] = []): Record<string, string> {
  const headers = headerBlock([...REQUEST, ...more]);
  const defaults = {
    requestId: { generate: true, preserveExternal: false, inResponse: false },
    useRemoteAddress: false,
    appendForwardedFor: true,
  };
  const peer = { remoteIp: '10.0.0.9', isSecure: false };
  return plain(readRequestHead(headers, { ...defaults, ...settings } as HttpSettings, peer, () => NEW_ID).headers);
}

function plain(headers: HeaderBlock): Record<string, string> {
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]));
}

t.test('request headers: ids, forwarding, te', (t) => {
  t.match(managed({}), { 'x-request-id': 'new-id', 'x-forwarded-proto': 'http', te: 'trailers' });
  t.match(
    managed({}, [
      ['x-request-id', 'mine'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-for', '1.2.3.4'],
    ]),
    {
      'x-request-id': 'mine',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '1.2.3.4',
    },
  );
  const quiet = managed({ requestId: { generate: false, preserveExternal: false, inResponse: false } });
  t.notOk('x-request-id' in quiet);
  const edge = managed({ useRemoteAddress: true }, [
    ['x-request-id', 'theirs'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-for', '1.2.3.4'],
    ['x-envoy-external-address', '6.6.6.6'],
    ['x-envoy-max-retries', '9'],
  ]);
  t.match(edge, {
    'x-request-id': 'new-id',
    'x-forwarded-proto': 'http',
    'x-forwarded-for': '1.2.3.4,10.0.0.9',
    'x-envoy-external-address': '10.0.0.9',
  });
  t.notOk('x-envoy-max-retries' in edge);
  t.end();
});

t.test('fields that stay are the very objects that came', (t) => {
  const headers = headerBlock([...REQUEST, ['x-scope-orgid', 'a']]);
  const settings = { requestId: { generate: false }, useRemoteAddress: false, appendForwardedFor: false } as HttpSettings;
  const kept = readRequestHead(headers, settings, { remoteIp: '', isSecure: true }, () => NEW_ID).headers;
  t.equal(plain(kept)['x-forwarded-proto'], 'https');
  t.ok(headers.every((one) => kept.includes(one)));
  t.end();
});

t.test('rewrites of path and authority', (t) => {
  const action = { authority: field(':authority', 'other:2'), prefixRewrite: { length: 2, replacement: '/z' } } as ForwardAction;
  const route = { requestHeaders: [] as Route['requestHeaders'] } as Route;
  t.match(plain(routedHeaders(headerBlock(REQUEST), route, action)), {
    ':path': '/z/b',
    ':authority': 'other:2',
    'x-envoy-original-path': '/a/b',
  });
  t.end();
});

t.test('local replies: trailers-only for gRPC, text for others', (t) => {
  const reply = { status: 503, body: 'no healthy upstream', details: 'x' };
  const grpc = renderReply(reply, { isGrpc: true, isHead: false });
  t.same(plain(grpc.headers), {
    ':status': '200',
    'content-type': 'application/grpc',
    'grpc-status': '14',
    'grpc-message': 'no healthy upstream',
  });
  t.equal(grpc.body, null);
  const statuses = [400, 401, 403, 404, 408, 429, 500, 502, 503, 504].map(
    (status) => plain(renderReply({ ...reply, status }, { isGrpc: true, isHead: false }).headers)['grpc-status'],
  );
  t.same(statuses, ['13', '16', '7', '12', '2', '14', '2', '14', '14', '14']);
  const empty = renderReply({ ...reply, body: '' }, { isGrpc: true, isHead: false });
  t.notOk('grpc-message' in plain(empty.headers));
  const text = renderReply(reply, { isGrpc: false, isHead: false });
  t.same(plain(text.headers), { ':status': '503', 'content-length': '19', 'content-type': 'text/plain' });
  t.equal(text.body?.toString(), 'no healthy upstream');
  t.equal(renderReply(reply, { isGrpc: false, isHead: true }).body, null);
  t.end();
});

t.test('how long a request may take', (t) => {
  const asked = headerBlock([['grpc-timeout', '5S']]);
  const none = headerBlock([]);
  const route = (maxMs: number | null, grpcTimeoutMaxMs: number | null, grpcTimeoutOffsetMs = 0) => ({
    maxMs,
    grpcTimeoutMaxMs,
    grpcTimeoutOffsetMs,
  });
  t.equal(streamDurationMs(null, asked, null), null, "the caller's own is not looked at unless the route says so");
  t.equal(streamDurationMs(null, asked, 700), 700);
  t.equal(streamDurationMs(route(null, 0), asked, null), 5000);
  t.equal(streamDurationMs(route(null, 2000), asked, null), 2000);
  t.equal(streamDurationMs(route(null, 0, 100), asked, null), 4900);
  t.equal(streamDurationMs(route(900, 0), none, null), 900, "without a grpc-timeout the route's own limit holds");
  t.equal(streamDurationMs(route(0, null), asked, 700), null, "0 takes the manager's limit away");
  t.end();
});

t.test('response headers: server, date, times; the same block gives the same block in the same second', async (t) => {
  const clock = new FakeClock(Date.UTC(2026, 10, 21, 13, 56, 10, 900));
  const server = { name: 'envoy', mode: 'overwrite' as const };
  const requestId = { generate: true, preserveExternal: false, inResponse: false };
  const responses = new ResponseHeaders({ server, requestId } as HttpSettings, clock);
  const upstream = headerBlock([
    [':status', '200'],
    ['server', 'grpc'],
    ['x-envoy-upstream-service-time', '9'],
  ]);
  const route = { responseHeaders: [{ kind: 'add', field: field('x-a', '1') }] } as unknown as Route;
  const origin = { route, serviceMs: 3, attempts: 2 };
  const first = responses.complete(upstream, origin, []);
  t.strictSame(plain(first), {
    ':status': '200',
    'x-envoy-upstream-service-time': '3',
    'x-envoy-attempt-count': '2',
    'x-a': '1',
    server: 'envoy',
    date: 'Sat, 21 Nov 2026 13:56:10 GMT',
  });
  t.equal(responses.complete(upstream, origin, []), first);
  t.strictSame(plain(responses.complete(upstream, { ...origin, serviceMs: 400 }, []))['x-envoy-upstream-service-time'], '400');
  t.strictSame(plain(responses.complete(upstream, { route: undefined, serviceMs: -1, attempts: 0 }, [])), {
    ':status': '200',
    'x-envoy-upstream-service-time': '9',
    server: 'envoy',
    date: 'Sat, 21 Nov 2026 13:56:10 GMT',
  });
  await clock.advance(100);
  t.match(plain(responses.complete(upstream, origin, [])), { date: 'Sat, 21 Nov 2026 13:56:11 GMT' });
});

t.test('response headers: the request id where it is asked for', (t) => {
  const settings = { server: { name: 'envoy', mode: 'append-if-absent' }, requestId: { inResponse: true } } as unknown as HttpSettings;
  const responses = new ResponseHeaders(settings, new FakeClock());
  const upstream = headerBlock([
    [':status', '200'],
    ['server', 'grpc'],
  ]);
  const origin = { route: undefined, serviceMs: -1, attempts: 0 };
  for (const id of ['one', 'two']) {
    const fields = plain(responses.complete(upstream, origin, [field('x-request-id', id)]));
    t.match(fields, { server: 'grpc', 'x-request-id': id });
  }
  t.end();
});

t.test('request ids are UUIDs of version 4, none twice', (t) => {
  let fills = 0;
  const next = createRequestIds((octets) => {
    fills += 1;
    randomFillSync(octets);
  });
  const ids = Array.from({ length: 1000 }, next);
  t.ok(
    ids.every(
      ({ name, value }) => name === 'x-request-id' && /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(value),
    ),
  );
  t.equal(new Set(ids.map(({ value }) => value)).size, 1000);
  t.equal(fills, 2, 'random octets are fetched for many at once');
  t.end();
});

t.test('one timer finds what is idle, and stops when there is nothing to watch', async (t) => {
  const clock = new FakeClock();
  const sweep = new IdleSweep(clock, 8000);
  const idle: string[] = [];
  const member = (name: string, idleTimeoutMs: number | null) => ({
    lastTick: 0,
    sweepSlot: -1,
    idleTimeoutMs,
    onIdle: () => idle.push(name),
  });
  const [quiet, busy, patient] = [member('quiet', 4000), member('busy', 4000), member('patient', null)];
  for (const one of [quiet, busy, patient]) sweep.add(one);
  t.equal(clock.pending, 1);
  await clock.advance(3000);
  busy.lastTick = sweep.tick;
  await clock.advance(3000);
  t.ok(idle.length > 0 && idle.every((name) => name === 'quiet'));
  for (const one of [quiet, patient, patient]) sweep.remove(one);
  idle.length = 0;
  await clock.advance(8000);
  t.ok(idle.length > 0 && idle.every((name) => name === 'busy'), 'who stays is still watched');
  sweep.remove(busy);
  t.equal(clock.pending, 1, 'the next one may come at once');
  await clock.advance(1000);
  t.equal(clock.pending, 0);
});
