import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError, createConfig } from '../../../src/config/index.ts';
import {
  decodeInstanceRing,
  decodePartitionRing,
  encodeInstanceRing,
  encodePartitionRing,
  type Instance,
  joinRings,
} from '../../../src/membership/dskit/index.ts';
import { type ConsulSourceOptions, createConsulSource } from '../../../src/membership/sources/consul/index.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { type ConsulServer, startConsulServer } from '../../support/consul-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordedRing } from '../../support/recorded-rings.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };
const RECORDED = recordedRing('running');
const RING = { [KEYS.instances]: RECORDED.instanceBytes, [KEYS.partitions]: RECORDED.partitionBytes };
const JOINED = joinRings(decodeInstanceRing(RECORDED.instanceBytes), decodePartitionRing(RECORDED.partitionBytes));

const optionsFor = (url: string, fields: Partial<ConsulSourceOptions> = {}): ConsulSourceOptions => ({
  name: 'consul',
  ring: 'live-store',
  url,
  keys: KEYS,
  timeoutMs: 5000,
  waitMs: 10_000,
  datacenter: '',
  token: null,
  tls: null,
  ...fields,
});

t.test('a consul source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const consul = await startConsulServer(t);
    return {
      source: createConsulSource(optionsFor(consul.url), sourceDeps(clock)),
      clock,
      say: (members) => {
        const heartbeatMs = Math.floor(clock.nowMs() / 1000) * 1000;
        const instances = members.map(
          ({ id, address, zone }): Instance => ({ id, address, zone, state: 'ACTIVE', heartbeatMs, registeredMs: null }),
        );
        const partitions = new Set(members.flatMap(({ partition }) => partition ?? []));
        consul.answer(null);
        consul.put({
          [KEYS.instances]: encodeInstanceRing(new Map(instances.map((instance) => [instance.id, instance]))),
          [KEYS.partitions]: encodePartitionRing({
            partitions: new Map([...partitions].map((id) => [id, { id, state: 'ACTIVE', stateMs: 0 }])),
            owners: new Map(members.map(({ id, partition }) => [id, { id, partition: partition ?? 0, state: 'ACTIVE', updatedMs: 0 }])),
          }),
        });
      },
      spoil: () => consul.answer((_request, response) => response.writeHead(500).end('No cluster leader')),
      look: () => clock.advance(1000),
    };
  }),
);

/** A source that is watched, on a clock of its own; URLs without their port. */
function watch(t: Test, consul: { readonly url: string }, fields: Partial<ConsulSourceOptions> = {}, random = 0.5, environment = {}) {
  const clock = new FakeClock(60_000);
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const deps = { ...sourceDeps(clock, environment), random: () => random };
  const reports = createConsulSource(optionsFor(consul.url, fields), deps).watch(abort.signal)[Symbol.asyncIterator]();
  const next = async (): Promise<SourceReport | string> => {
    const { value } = await reports.next();
    if (value === undefined) return 'end';
    if (value.kind === 'members') return value;
    t.notMatch(value.error.message, '\n');
    return `${value.error.code} ${value.error.message.replaceAll(/(127\.0\.0\.1|localhost):\d+/g, 'consul')}`;
  };
  return { clock, next, abort: () => abort.abort() };
}

const indexesOf = (consul: ConsulServer, key: string = KEYS.instances): readonly (string | null)[] =>
  consul.requests.filter(({ url }) => url.pathname === `/v1/kv/${key}`).map(({ url }) => url.searchParams.get('index'));

t.test('the recorded rings, waited for at both keys', async (t) => {
  const consul = await startConsulServer(t);
  consul.put(RING);
  const { next, clock } = watch(t, consul);
  t.strictSame(await next(), { kind: 'members', ring: 'live-store', ...JOINED, asOfMs: 60_000 });
  await clock.advance(1000);
  await consul.hasWaiting(2);
  t.strictSame(consul.requests.map(({ url }) => `${url.pathname}${url.search}`).sort(), [
    '/v1/kv/collectors/live-store?raw',
    '/v1/kv/collectors/live-store?raw&index=11&wait=10000ms',
    '/v1/kv/collectors/livestore-partitions?raw',
    '/v1/kv/collectors/livestore-partitions?raw&index=12&wait=10000ms',
  ]);
});

t.test('a change of either key is one report of both as they are then', async (t) => {
  const consul = await startConsulServer(t);
  consul.put(RING);
  const { next, clock } = watch(t, consul);
  t.match(await next(), { members: { length: 4 } });
  await clock.advance(1000);
  await consul.hasWaiting(2);
  const fewer = new Map([...decodeInstanceRing(RECORDED.instanceBytes)].slice(1));
  consul.put({ [KEYS.instances]: encodeInstanceRing(fewer) });
  const report = await next();
  t.match(report, { members: { length: 3 }, asOfMs: 61_000 });
  t.same(typeof report === 'object' && report.kind === 'members' && report.partitions.length, JOINED.partitions.length);
  await clock.advance(1000);
  await consul.hasWaiting(2);
  consul.put({
    [KEYS.partitions]: encodePartitionRing({ partitions: new Map(), owners: new Map() }),
    [KEYS.instances]: RECORDED.instanceBytes,
  });
  t.match(await next(), { members: { length: 4 }, partitions: [], asOfMs: 62_000 });
  t.strictSame(indexesOf(consul).slice(0, 3), [null, '11', '13']);
});

t.test('without partitions only one key is asked for; a datacenter is named', async (t) => {
  const consul = await startConsulServer(t);
  consul.put(RING);
  const { next, clock } = watch(t, consul, { keys: { ...KEYS, partitions: null }, datacenter: 'dc1' });
  t.match(await next(), { members: { length: 4 }, partitions: [] });
  await clock.advance(1000);
  await consul.hasWaiting(1);
  t.strictSame(
    [...new Set(consul.requests.map(({ url }) => `${url.pathname} ${url.searchParams.get('dc')}`))],
    [`/v1/kv/${KEYS.instances} dc1`],
  );
  t.equal(
    await watch(t, consul, { datacenter: 'dc 2' }).next(),
    'CONSUL_FAILED http://consul/v1/kv/collectors/live-store: answered 500 text/plain "No path to datacenter"',
  );
});

t.test('a ring that changes without pause is read once a second', async (t) => {
  const consul = await startConsulServer(t);
  consul.put(RING);
  const { next, clock } = watch(t, consul, { keys: { ...KEYS, partitions: null } });
  t.match(await next(), { kind: 'members' });
  for (let second = 1; second <= 5; second += 1) {
    consul.put(RING);
    await clock.advance(999);
    t.equal(consul.requests.length, second);
    await clock.advance(1);
    t.match(await next(), { kind: 'members', asOfMs: 60_000 + second * 1000 });
  }
});

t.test('when the wait is over without a change, that is news of no change', async (t) => {
  const clock = new FakeClock();
  const consul = await startConsulServer(t, { clock, jitter: 1 });
  consul.put(RING);
  const source = watch(t, consul);
  const first = await source.next();
  await source.clock.advance(1000);
  await consul.hasWaiting(2);
  await source.clock.advance(10_624);
  await clock.advance(10_624);
  t.equal(consul.waiting, 2, 'a sixteenth longer');
  await clock.advance(1);
  const second = await source.next();
  t.match(second, { asOfMs: 71_624 });
  t.strictSame({ ...(second as object), asOfMs: 60_000 }, first);
});

t.test('an index of 0 does not make it busy, one that goes backwards begins anew', async (t) => {
  const consul = await startConsulServer(t);
  const says = (index: string): void =>
    consul.answer((_request, response) => response.writeHead(200, { 'x-consul-index': index }).end(RECORDED.instanceBytes));
  const { next, clock } = watch(t, consul, { keys: { ...KEYS, partitions: null } });
  says('0');
  consul.put(RING);
  t.match(await next(), { kind: 'members' });
  for (const index of ['0', '50', '49', '49', '60']) {
    says(index);
    await clock.advance(1000);
    t.match(await next(), { kind: 'members' });
  }
  t.strictSame(
    indexesOf(consul),
    [null, '1', '0', '50', null, '49'].map((index) => (index === '0' ? null : index)),
  );
});

t.test('a restored cluster is read anew', async (t) => {
  const clock = new FakeClock();
  const consul = await startConsulServer(t, { clock });
  consul.restore(1000);
  consul.put(RING);
  const source = watch(t, consul);
  t.match(await source.next(), { kind: 'members' });
  await source.clock.advance(1000);
  await consul.hasWaiting(2);
  consul.restore(100);
  await clock.advance(10_000);
  t.match(await source.next(), { kind: 'members' });
  await source.clock.advance(1000);
  t.match(await source.next(), { kind: 'members' }, 'does not wait for an index of the former life');
  await source.clock.advance(1000);
  await consul.hasWaiting(2);
  t.equal(indexesOf(consul).at(-1), '100');
});

t.test('a key that is not there is a failure until it is; one that is deleted too', async (t) => {
  const consul = await startConsulServer(t);
  const { next, clock } = watch(t, consul);
  t.equal(await next(), 'CONSUL_NO_KEY http://consul: key "collectors/live-store": there is no such key');
  await clock.advance(1000);
  await consul.hasWaiting(2);
  consul.put({ [KEYS.instances]: RECORDED.instanceBytes });
  t.equal(await next(), 'CONSUL_NO_KEY http://consul: key "collectors/livestore-partitions": there is no such key');
  await clock.advance(1000);
  await consul.hasWaiting(2);
  consul.put({ [KEYS.partitions]: RECORDED.partitionBytes });
  t.match(await next(), { members: { length: 4 } });
  await clock.advance(1000);
  await consul.hasWaiting(2);
  consul.put({ [KEYS.instances]: null });
  t.match(await next(), /^CONSUL_NO_KEY /);
  await clock.advance(1000);
  await consul.hasWaiting(2);
  consul.put({ [KEYS.instances]: encodeInstanceRing(new Map()) });
  t.match(await next(), { members: [] }, 'dskit leaves an empty ring when the last one goes');
});

t.test('errors are named, and tried again later and later', async (t) => {
  const consul = await startConsulServer(t);
  const { next, clock } = watch(t, consul, {}, 0.999);
  const at = 'http://consul/v1/kv/collectors/live-store';
  const cases: readonly (readonly [number, string, string])[] = [
    [500, 'No cluster leader', `CONSUL_FAILED ${at}: answered 500 without content-type "No cluster leader"`],
    [429, 'Your IP is issuing too many concurrent connections', `CONSUL_FAILED ${at}: answered 429 without content-type "Your IP is `],
    [403, 'ACL not found', `CONSUL_REFUSED ${at}: answered 403 without content-type "ACL not found"; token must allow key:read`],
    [404, '404 page not found', `NOT_CONSUL ${at}: answered 404 without content-type "404 page not found"`],
    [200, '<html>', `NOT_CONSUL ${at}: answered 200 without content-type "<html>" without Consul's index (X-Consul-Index)`],
    [301, '', `CONSUL_FAILED ${at}: answered 301 to ""`],
  ];
  let waited = 0;
  for (const [status, body, message] of cases) {
    consul.answer((_request, response) => response.writeHead(status).end(body));
    await clock.advance(waited);
    const said = await next();
    t.equal(typeof said === 'string' && said.slice(0, message.length), message);
    waited = Math.min(30_000, Math.max(1000, 2 * waited));
  }
  consul.answer(null);
  consul.put(RING);
  await clock.advance(29_000);
  t.ok(consul.requests.length <= 2 * cases.length, `${consul.requests.length} requests`);
  await clock.advance(1000);
  t.match(await next(), { kind: 'members' });
  await consul.close();
  await clock.advance(1000);
  t.match(await next(), /^PEER_UNREACHABLE http:\/\/consul\/v1\/kv\/collectors\/live-store/);
});

t.test('garbage under a key is named with the key, and what comes after it is read', async (t) => {
  const consul = await startConsulServer(t);
  const { next, clock } = watch(t, consul);
  const after = async (value: Uint8Array): Promise<SourceReport | string> => {
    consul.put({ ...RING, [KEYS.instances]: value });
    const said = await next();
    await clock.advance(1000);
    await consul.hasWaiting(2);
    return said;
  };
  const key = 'http://consul: key "collectors/live-store"';
  t.match(await next(), /^CONSUL_NO_KEY/);
  await clock.advance(1000);
  await consul.hasWaiting(2);
  t.equal(await after(Buffer.alloc(0)), `BAD_SNAPPY ${key}: the snappy block ends within its length`);
  t.match(
    await after(RECORDED.partitionBytes),
    /^BAD_RING_BYTES http:\/\/consul: key "collectors\/live-store": the bytes are not an instance ring: /,
  );
  t.match(await after(RECORDED.instanceBytes.subarray(1)), /^BAD_/);
  t.match(await after(Buffer.from('{"json": true}')), /^BAD_/);
  t.match(await after(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])), /^BAD_SNAPPY .* at most /);
  t.match(await after(RECORDED.instanceBytes), { members: { length: 4 } });
  consul.put({ ...RING, [KEYS.instances]: Buffer.alloc(23 * 1024 * 1024) });
  t.equal(await next(), 'PEER_TOO_LARGE http://consul/v1/kv/collectors/live-store: sent more than the 22020096 bytes that are allowed');
});

t.test('a Consul that answers nothing is given up', async (t) => {
  const consul = await startConsulServer(t);
  consul.answer(() => {});
  const { next, clock, abort } = watch(t, consul);
  const pending = next();
  while (consul.requests.length < 2) await clock.advance(0);
  await clock.advance(5000);
  t.match(await pending, /^PEER_TIMEOUT http:\/\/consul\/v1\/kv\/collectors\/live(-)?store(-partitions)?: did not answer within 5000ms$/);
  await clock.advance(500);
  while (consul.requests.length < 4) await clock.advance(0);
  abort();
  t.equal(await next(), 'end');
  t.equal(clock.pending, 0);
});

t.test('https, a client certificate, and a token as it is now', async (t) => {
  const golden = (name: string): string => join(import.meta.dirname, '../../golden/tls', name);
  const [cert, key] = [readFileSync(golden('localhost.crt')), readFileSync(golden('localhost.key'))];
  const consul = await startConsulServer(t, { token: 'right-token', tls: { cert, key, ca: cert, requestCert: true } });
  consul.put(RING);
  const ours = {
    ca: golden('localhost.crt'),
    certificate: golden('localhost.crt'),
    privateKey: golden('localhost.key'),
    serverName: null,
    insecureSkipVerify: false,
  };
  const file = join(t.testdir({ token: 'wrong-token' }), 'token');
  const { next, clock } = watch(t, consul, { tls: ours, token: { kind: 'file', file } });
  const refused =
    'CONSUL_REFUSED https://consul/v1/kv/collectors/live-store: answered 403 text/plain "ACL not found"; token must allow key:read';
  t.equal(await next(), refused);
  writeFileSync(file, 'right-token\n');
  await clock.advance(500);
  t.match(await next(), { members: { length: 4 } });
  t.strictSame([...new Set(consul.requests.map(({ token }) => token))], ['wrong-token', 'right-token']);
  t.match(
    await watch(t, consul, { tls: { ...ours, certificate: null, privateKey: null } }).next(),
    /^PEER_UNREACHABLE .*: tlsv13 alert certificate required$/,
  );
  t.match(await watch(t, consul, { tls: ours }).next(), /^CONSUL_REFUSED .*Permission denied: anonymous token/);
});

t.test('a token is never told, not even when the server sends it back', async (t) => {
  const server = createServer(({ headers }, response) => response.writeHead(403).end(`no such token: ${headers['x-consul-token']}`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const said = await watch(t, { url }, { token: { kind: 'env', name: 'TOKEN' } }, 0.5, { TOKEN: 'to-be-kept' }).next();
  t.match(said, /"no such token: \[secret\]"/);
  t.equal(
    await watch(t, { url }, { token: { kind: 'env', name: 'TOKEN' } }).next(),
    'SECRET environment variable TOKEN: there is no secret in it',
  );
});

t.test('configuration', (t) => {
  const consulOf = (consul: object) => createConfig('flags', { rings: { r: { sources: [{ consul }] } } }).rings.get('r')?.sources[0];
  const { name: _name, ring: _ring, ...defaults } = optionsFor('http://consul:8500');
  t.strictSame(consulOf({ url: 'http://consul:8500/' }), { kind: 'consul', ...defaults });
  t.match(consulOf({ url: 'https://consul', wait: '1m', datacenter: 'dc1', token: { env: 'TOKEN' }, keys: { partitions: null } }), {
    waitMs: 60_000,
    datacenter: 'dc1',
    token: { kind: 'env', name: 'TOKEN' },
    keys: { instances: KEYS.instances, partitions: null },
  });
  for (const [consul, message] of [
    [{}, /consul\.url: missing/],
    [{ url: 'consul:8500' }, /consul\.url: "consul:8500" is not a base URL/],
    [{ url: 'http://a', wait: '11m' }, /consul\.wait: "11m" is not a duration/],
    [{ url: 'http://a', token: 'x' }, /consul\.token: /],
  ] as const) {
    try {
      consulOf(consul);
      t.fail(`accepted: ${JSON.stringify(consul)}`);
    } catch (error) {
      t.match(error instanceof ConfigError && error.problems[0], message);
    }
  }
  t.end();
});
