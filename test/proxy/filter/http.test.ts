// What the connection manager makes of headers, which answers are its own, and how long a request may take.
import t from 'tap';
import { field, headerBlock } from '../../../src/http2/index.ts';
import type { HeaderBlock } from '../../../src/http2/types.ts';
import { DateHeader } from '../../../src/proxy/filter/http/date-header.ts';
import { renderReply } from '../../../src/proxy/filter/http/local-reply.ts';
import { factsOf } from '../../../src/proxy/filter/http/request-facts.ts';
import { managedHeaders, routedHeaders } from '../../../src/proxy/filter/http/request-headers.ts';
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

function managed(settings: Partial<HttpSettings>, more: readonly (readonly [string, string])[] = []): Record<string, string> {
  const headers = headerBlock([...REQUEST, ...more]);
  const defaults = {
    requestId: { generate: true, preserveExternal: false, inResponse: false },
    useRemoteAddress: false,
    appendForwardedFor: true,
  };
  return plain(managedHeaders(headers, factsOf(headers), { ...defaults, ...settings } as HttpSettings, '10.0.0.9', () => 'new-id'));
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
  const kept = managedHeaders(headers, factsOf(headers), settings, '', () => '');
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

t.test('the date is made once a second', (t) => {
  const clock = new FakeClock(Date.UTC(2026, 10, 21, 13, 56, 10, 900));
  const date = new DateHeader(clock);
  t.equal(date.get().value, 'Sat, 21 Nov 2026 13:56:10 GMT');
  t.equal(date.get(), date.get());
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
