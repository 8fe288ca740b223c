import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/core/index.ts';
import {
  decodeInstanceRing,
  decodePartitionRing,
  encodeInstanceRing,
  encodePartitionRing,
  type Instance,
  type InstanceRing,
  joinRings,
  parsePartitionPage,
  parseRingPage,
} from '../../../src/membership/dskit/index.ts';
import { createTempoSource, type TempoSourceOptions } from '../../../src/membership/sources/tempo/index.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MOMENTS, recordedRing } from '../../support/recorded-rings.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import {
  bytesPage,
  INSTANCES_PATH,
  jsonPage,
  memberlistPages,
  PARTITIONS_PATH,
  type Page,
  ringPages,
  startTempoServer,
} from '../../support/tempo-server.ts';
import { sourceSuite } from '../source-suite.ts';

const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };

const optionsFor = (...urls: string[]): TempoSourceOptions => ({
  name: 'tempo',
  ring: 'live-store',
  urls,
  everyMs: 1000,
  timeoutMs: 2000,
  keys: KEYS,
  tls: null,
  bearer: null,
  headers: new Map(),
});

t.test('a tempo source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const server = await startTempoServer(t, {});
    return {
      source: createTempoSource(optionsFor(server.url), sourceDeps(clock)),
      clock,
      say: (members) => {
        const heartbeatMs = Math.floor(clock.nowMs() / 1000) * 1000;
        const instances = members.map(
          ({ id, address, zone }): Instance => ({ id, address, zone, state: 'ACTIVE', heartbeatMs, registeredMs: null }),
        );
        const partitions = new Set(members.flatMap(({ partition }) => partition ?? []));
        server.pages = {
          [INSTANCES_PATH]: bytesPage(encodeInstanceRing(new Map(instances.map((instance) => [instance.id, instance])))),
          [PARTITIONS_PATH]: bytesPage(
            encodePartitionRing({
              partitions: new Map([...partitions].map((id) => [id, { id, state: 'ACTIVE', stateMs: 0 }])),
              owners: new Map(members.map(({ id, partition }) => [id, { id, partition: partition ?? 0, state: 'ACTIVE', updatedMs: 0 }])),
            }),
          ),
        };
      },
      spoil: () => {
        server.pages = { [INSTANCES_PATH]: { type: 'text/html', body: '<html>' } };
      },
      look: () => clock.advance(1000),
    };
  }),
);

/** The first report of a source that asks these servers. */
async function firstReport(options: TempoSourceOptions, clock = new FakeClock(77)): Promise<SourceReport> {
  const abort = new AbortController();
  try {
    for await (const report of createTempoSource(options, sourceDeps(clock)).watch(abort.signal)) return report;
  } finally {
    abort.abort();
  }
  throw new Error('the stream ended');
}

/** The first report about one server with these pages; URLs without the port. */
async function reportOn(
  t: Test,
  pages: Readonly<Record<string, Page>>,
  options: Partial<TempoSourceOptions> = {},
): Promise<SourceReport | string> {
  const server = await startTempoServer(t, pages);
  const report = await firstReport({ ...optionsFor(server.url), ...options });
  return report.kind === 'failed' ? report.error.message.replaceAll(server.url, 'http://tempo') : report;
}

for (const moment of MOMENTS) {
  const recorded = recordedRing(moment);
  t.test(`${moment}: the recorded bytes, over HTTP`, async (t) => {
    const joined = joinRings(decodeInstanceRing(recorded.instanceBytes), decodePartitionRing(recorded.partitionBytes));
    t.strictSame(await reportOn(t, memberlistPages(recorded)), { kind: 'members', ring: 'live-store', ...joined, asOfMs: 77 });
  });
  t.test(`${moment}: the recorded pages, where the ring is not in memberlist`, async (t) => {
    const joined = joinRings(parseRingPage(recorded.ringPage), parsePartitionPage(recorded.partitionPage));
    t.strictSame(await reportOn(t, ringPages(recorded)), { kind: 'members', ring: 'live-store', ...joined, asOfMs: 77 });
  });
}

t.test('pages are asked for only where there is no memberlist, and as JSON', async (t) => {
  const server = await startTempoServer(t, memberlistPages());
  await firstReport(optionsFor(server.url));
  t.strictSame(server.requests.toSorted(), [`${INSTANCES_PATH} application/octet-stream`, `${PARTITIONS_PATH} application/octet-stream`]);
  const other = await startTempoServer(t, {
    '/live-store/ring': jsonPage('{"shards":null}'),
    '/partition-ring': jsonPage('{"partitions":null}'),
  });
  t.match(await firstReport(optionsFor(other.url)), { kind: 'members', members: [], partitions: [] });
  t.strictSame(other.requests.slice(2).toSorted(), ['/live-store/ring application/json', '/partition-ring application/json']);
});

t.test('other keys, a path before everything, and a ring without partitions', async (t) => {
  const { instanceBytes } = recordedRing('running');
  const pages = { '/tempo/memberlist?downloadKey=generators%2Fring': bytesPage(instanceBytes) };
  const server = await startTempoServer(t, pages);
  const report = await firstReport({ ...optionsFor(`${server.url}/tempo`), keys: { instances: 'generators/ring', partitions: null } });
  t.strictSame(report, { kind: 'members', ring: 'live-store', ...joinRings(decodeInstanceRing(instanceBytes), null), asOfMs: 77 });
  t.equal(server.requests.length, 1);
});

t.test('what is no ring is one line that names the URL and what came instead', async (t) => {
  const { instanceBytes, partitionBytes, partitionPage } = recordedRing('running');
  const memberlist = memberlistPages();
  const none: Page = { type: 'text/plain', body: "This instance doesn't use memberlist." };
  const instances = `http://tempo${INSTANCES_PATH}`;
  const partitions = `http://tempo${PARTITIONS_PATH}`;
  const notFound = '404 text/plain "404 page not found"';
  const cases: readonly (readonly [string, Readonly<Record<string, Page>>, string])[] = [
    [
      'an HTML page',
      {
        ...memberlist,
        [INSTANCES_PATH]: {
          type: 'text/html; charset=utf-8',
          body: '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>',
        },
      },
      `${instances}: answered 200 text/html "<!DOCTYPE html> <html><head><title>Sign in</title></head>..." instead of the bytes of a ring (application/octet-stream)`,
    ],
    [
      'a query-frontend',
      { [INSTANCES_PATH]: none, [PARTITIONS_PATH]: none },
      `http://tempo: has no ring: /memberlist answered 200 text/plain "This instance doesn't use memberlist.", /live-store/ring ${notFound}; ask a distributor, querier or live-store`,
    ],
    [
      'another program',
      {},
      `http://tempo: has no ring: /memberlist answered ${notFound}, /live-store/ring ${notFound}; ask a distributor, querier or live-store`,
    ],
    [
      'an unknown key',
      { ...memberlist, [INSTANCES_PATH]: { status: 404, type: 'text/plain; charset=utf-8', body: 'value not found\n' } },
      `${instances}: answered 404 text/plain "value not found" instead of the bytes of a ring (application/octet-stream)`,
    ],
    [
      'no partition ring yet',
      { ...memberlist, [PARTITIONS_PATH]: { status: 404, type: 'text/plain; charset=utf-8', body: 'value not found\n' } },
      `${partitions}: answered 404 text/plain "value not found" instead of the bytes of a ring (application/octet-stream)`,
    ],
    [
      'truncated snappy',
      { ...memberlist, [INSTANCES_PATH]: bytesPage(instanceBytes.subarray(0, 60)) },
      `${instances}: the snappy block ends within a literal`,
    ],
    [
      'garbage',
      { ...memberlist, [INSTANCES_PATH]: bytesPage(Uint8Array.of(3, 8, 9, 9, 9)) },
      `${instances}: the bytes are not an instance ring: `,
    ],
    ['nothing', { ...memberlist, [INSTANCES_PATH]: bytesPage(new Uint8Array()) }, `${instances}: the snappy block ends within its length`],
    [
      'the other ring',
      { ...memberlist, [PARTITIONS_PATH]: bytesPage(instanceBytes) },
      `${partitions}: the bytes are not a partition ring: they have fields that no such ring has`,
    ],
    [
      'the rings exchanged',
      { [INSTANCES_PATH]: bytesPage(partitionBytes), [PARTITIONS_PATH]: bytesPage(instanceBytes) },
      `${instances}: the bytes are not an instance ring: `,
    ],
    [
      'a redirect',
      { ...memberlist, [INSTANCES_PATH]: { status: 302, location: 'https://login.example/', body: '' } },
      `${instances}: answered 302 to "https://login.example/" instead of the bytes of a ring (application/octet-stream)`,
    ],
    [
      'an error',
      { ...memberlist, [INSTANCES_PATH]: { status: 503, body: 'starting' } },
      `${instances}: answered 503 without content-type "starting" instead of`,
    ],
    [
      'a page that is HTML after all',
      { '/live-store/ring': { type: 'text/html', body: '<html>' }, '/partition-ring': jsonPage(partitionPage) },
      'http://tempo/live-store/ring: answered 200 text/html "<html>" instead of a ring as JSON (application/json)',
    ],
    [
      'a page of another kind',
      { '/live-store/ring': jsonPage('{"shards":[{"id":1}]}'), '/partition-ring': jsonPage(partitionPage) },
      'http://tempo/live-store/ring: the JSON is not the instance ring page: shards.0.id: Invalid input: expected string, received number',
    ],
  ];
  for (const [name, pages, message] of cases) {
    const report = await reportOn(t, pages);
    t.ok(typeof report === 'string' && report.startsWith(message) && !report.includes('\n'), name, { found: report, wanted: message });
  }
});

t.test('the pages are no way out for a ring that is not the live-stores', async (t) => {
  const report = await reportOn(t, ringPages(), { keys: { instances: 'generators/ring', partitions: null } });
  t.match(report, /^http:\/\/tempo\/memberlist\?downloadKey=generators%2Fring: answered 404 text\/plain/);
});

t.test('an answer that is too long, breaks off, or never comes', async (t) => {
  const memberlist = memberlistPages();
  const endless: Page = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
    };
    response.on('drain', more);
    more();
  };
  t.equal(
    await reportOn(t, { ...memberlist, [INSTANCES_PATH]: endless }),
    `http://tempo${INSTANCES_PATH}: sent more than the 22020096 bytes that are allowed`,
  );
  const broken: Page = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': 100 }).write('abc', () => response.destroy());
  };
  t.equal(await reportOn(t, { ...memberlist, [INSTANCES_PATH]: broken }), `http://tempo${INSTANCES_PATH}: broke off its answer: aborted`);

  const clock = new FakeClock();
  const asked = Promise.withResolvers<void>();
  const server = await startTempoServer(t, { ...memberlist, [INSTANCES_PATH]: () => asked.resolve() });
  const report = firstReport(optionsFor(server.url), clock);
  await asked.promise;
  await clock.advance(2000);
  t.match(await report, {
    kind: 'failed',
    error: { code: 'PEER_TIMEOUT', message: `${server.url}${INSTANCES_PATH}: did not answer within 2000ms` },
  });
});

t.test('nobody there, and a name that does not exist', async (t) => {
  const server = await startTempoServer(t, {});
  await server.close();
  t.match(await firstReport(optionsFor(server.url)), {
    kind: 'failed',
    error: {
      code: 'PEER_UNREACHABLE',
      message: `${server.url}${INSTANCES_PATH}: connect ECONNREFUSED 127.0.0.1:${new URL(server.url).port}`,
    },
  });
  t.match(await firstReport(optionsFor('http://tempo.invalid')), {
    kind: 'failed',
    error: { code: 'PEER_UNREACHABLE', message: /^http:\/\/tempo\.invalid\/memberlist/ },
  });
});

t.test('of two keys that fail the same one is told, whichever fails first', async (t) => {
  let partitionsGone = (): void => {};
  const gone = new Promise<void>((resolve) => {
    partitionsGone = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url === INSTANCES_PATH) void gone.then(() => response.destroy());
    else response.once('close', partitionsGone).destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const failed = await firstReport(optionsFor(url));
  t.equal(failed.kind === 'failed' && failed.error.message.startsWith(`${url}${INSTANCES_PATH}: `), true);
});

/** Reports of a source on the system's clock until one is as wanted. */
async function until(reports: AsyncIterator<SourceReport>, wanted: (report: SourceReport) => boolean): Promise<SourceReport> {
  for (;;) {
    const { value, done } = await reports.next();
    if (done) throw new Error('the stream ended');
    if (wanted(value)) return value;
  }
}

const withHeartbeat = (ring: InstanceRing, id: string, fields: Partial<Instance>): InstanceRing =>
  new Map([...ring].map(([key, instance]) => [key, key === id ? { ...instance, ...fields } : instance]));

t.test('several peers: the newest of each entry counts, and one that fails is a warning', async (t) => {
  const id = 'live-store-zone-a-0';
  const ring = decodeInstanceRing(recordedRing('running').instanceBytes);
  const { heartbeatMs } = ring.get(id) as Instance;
  const lagging = memberlistPages();
  const [one, other] = [await startTempoServer(t, lagging), await startTempoServer(t, lagging)];
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const source = createTempoSource({ ...optionsFor(one.url, other.url), everyMs: 10 }, sourceDeps(systemClock));
  const reports = source.watch(abort.signal)[Symbol.asyncIterator]();
  const stateOf = (report: SourceReport) =>
    report.kind === 'members' ? report.members.find((member) => member.id === id)?.state : undefined;

  t.equal(stateOf(await until(reports, () => true)), 'ACTIVE');
  const left = encodeInstanceRing(withHeartbeat(ring, id, { state: 'LEFT', heartbeatMs: heartbeatMs + 5000 }));
  other.pages = { ...lagging, [INSTANCES_PATH]: bytesPage(left) };
  await until(reports, (report) => stateOf(report) === 'LEFT');
  for (let i = 0; i < 6; i += 1) t.equal(stateOf(await until(reports, () => true)), 'LEFT', 'the lagging peer changes nothing');

  other.pages = { [INSTANCES_PATH]: { type: 'text/html', body: '<html>' } };
  const warned = await until(reports, (report) => report.kind === 'members' && report.warning !== undefined);
  t.match(warned, { kind: 'members', warning: `${other.url}${INSTANCES_PATH}: answered 200 text/html "<html>" instead of` });
  t.equal(stateOf(warned), 'LEFT', 'what the failing peer last said still counts');

  await one.close();
  const failed = await until(reports, (report) => report.kind === 'failed');
  t.match(failed, { kind: 'failed', error: { code: 'NO_PEER_WORKS', message: / (ECONNREFUSED|ECONNRESET).*; .* text\/html / } });
  other.pages = lagging;
  const again = await until(reports, (report) => report.kind === 'members');
  t.match(again, { kind: 'members', warning: /ECONNREFUSED/ });
});

t.test('what a failing peer last said counts for as long as gossip may take', async (t) => {
  const id = 'live-store-zone-a-0';
  const ring = decodeInstanceRing(recordedRing('running').instanceBytes);
  const behind = new Map([...ring].filter(([key]) => key !== id));
  const [late, ahead] = [
    await startTempoServer(t, { ...memberlistPages(), [INSTANCES_PATH]: bytesPage(encodeInstanceRing(behind)) }),
    await startTempoServer(t, memberlistPages()),
  ];
  const clock = new FakeClock();
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const source = createTempoSource({ ...optionsFor(late.url, ahead.url), everyMs: 10_000 }, sourceDeps(clock));
  const reports = source.watch(abort.signal)[Symbol.asyncIterator]();
  const isKnown = (report: SourceReport): boolean => report.kind === 'members' && report.members.some((member) => member.id === id);
  t.equal(isKnown(await until(reports, () => true)), true);
  ahead.pages = {};
  await clock.advance(10_000);
  t.equal(isKnown(await until(reports, (report) => 'warning' in report)), true, 'right after it failed');
  await clock.advance(10_000);
  t.equal(isKnown(await until(reports, ({ kind }) => kind === 'members')), true, '20 s after it last answered');
  await clock.advance(10_000);
  t.equal(isKnown(await until(reports, (report) => !isKnown(report))), false, '30 s after it last answered');
});

t.test('the first report waits for every peer, one that hangs until its time is over; later ones wait for nobody', async (t) => {
  const ring = decodeInstanceRing(recordedRing('running').instanceBytes);
  const [young, slow] = [
    await startTempoServer(t, { ...memberlistPages(), [INSTANCES_PATH]: bytesPage(encodeInstanceRing(new Map([...ring].slice(0, 1)))) }),
    await startTempoServer(t, memberlistPages()),
  ];
  const first = await firstReport(optionsFor(young.url, slow.url));
  t.equal(first.kind === 'members' && first.members.length, 4, 'not the part that a peer knows that has just started');

  slow.pages = { [INSTANCES_PATH]: () => {} };
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const options = { ...optionsFor(young.url, slow.url), timeoutMs: 200, everyMs: 10 };
  const reports = createTempoSource(options, sourceDeps(systemClock)).watch(abort.signal)[Symbol.asyncIterator]();
  t.match(await reports.next(), { value: { kind: 'members', warning: /did not answer within 200ms/ } });
  const { length } = slow.requests;
  for (let i = 0; i < 3; i += 1) await reports.next();
  t.ok(slow.requests.length - length <= 2, 'the other peer is followed meanwhile', { requests: slow.requests });
});

t.test('peers are read at their pace, a tenth more or less', async (t) => {
  const server = await startTempoServer(t, memberlistPages());
  const clock = new FakeClock();
  const randoms = [0, 0.999];
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const source = createTempoSource(optionsFor(server.url), { ...sourceDeps(clock), random: () => randoms.shift() ?? 0.5 });
  const reports = source.watch(abort.signal)[Symbol.asyncIterator]();
  await reports.next();
  await clock.advance(899);
  t.equal(server.requests.length, 2);
  await clock.advance(1);
  await reports.next();
  t.equal(server.requests.length, 4);
  await clock.advance(1099);
  t.equal(server.requests.length, 4);
  await clock.advance(1);
  await reports.next();
  t.equal(server.requests.length, 6);
});
