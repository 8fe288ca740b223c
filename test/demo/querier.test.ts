import t, { type Test } from 'tap';
import { type HostPort, seededRandom, systemClock } from '../../src/core/index.ts';
import { GrpcFailure, GrpcServer, type UnaryHandler } from '../../src/demo/grpc/index.ts';
import { HttpPages, json, plain } from '../../src/demo/http-pages.ts';
import { controlRing, type QuerierReport, readReplicationSets, readReport, SampleQuerier } from '../../src/demo/index.ts';
import { sampleMethods } from '../../src/demo/live-store/methods.ts';
import { ringPages } from '../../src/demo/ring/ring-pages.ts';
import { SampleRing } from '../../src/demo/ring/sample-ring.ts';
import { GrpcStatus } from '../../src/grpc/index.ts';

const anyPort = { host: '127.0.0.1', port: 0 };
const HALVES = [0, 1].map((share) => sampleMethods({ partition: 0, partitions: 1, share, shares: 2 }));
const WHOLE = sampleMethods({ partition: 0, partitions: 1, share: 0, shares: 1 });

/** An egress of one process: what each authority answers, by its ring address. */
async function startEgress(t: Test, members: Readonly<Record<string, ReadonlyMap<string, UnaryHandler> | 'down'>>): Promise<HostPort> {
  const answer: UnaryHandler = (call) => {
    const member = members[call.header(':authority') ?? ''];
    if (member === undefined || member === 'down') throw new GrpcFailure(GrpcStatus.UNAVAILABLE, 'nobody there');
    return (member.get(call.path) as UnaryHandler)(call);
  };
  const server = new GrpcServer({ handlers: new Map([...WHOLE.keys()].map((path) => [path, answer])) }, systemClock);
  t.teardown(() => server.destroy());
  return server.listen(anyPort);
}

async function startRing(t: Test, members: readonly (readonly [id: string, zone: string, address: string])[]): Promise<string> {
  const ring = new SampleRing(systemClock);
  for (const [id, zone, address] of members) ring.announce({ id, zone, address, partition: 0, state: 'ACTIVE' });
  const pages = new HttpPages(ringPages(ring, () => true));
  const { port } = await pages.listen(anyPort);
  t.teardown(() => pages.close());
  return `http://127.0.0.1:${port}`;
}

/** Reports until `enough` says so. */
async function reports(
  t: Test,
  egress: HostPort,
  ringUrl: string,
  partitions: number,
  enough: (report: QuerierReport) => boolean,
): Promise<QuerierReport> {
  return new Promise((resolve) => {
    const onReport = (report: QuerierReport): void => {
      if (enough(report)) resolve(report);
    };
    const querier = new SampleQuerier(
      { egress, readRing: () => readReplicationSets(ringUrl), partitions, tenant: 't' },
      onReport,
      systemClock,
      seededRandom(1),
    );
    t.teardown(() => querier.stop());
    void querier.start();
  });
}

t.test('one zone is enough, all its owners are needed, and what they say together is checked', async (t) => {
  const egress = await startEgress(t, { 'a:1': HALVES[0] as typeof WHOLE, 'a:2': HALVES[1] as typeof WHOLE, 'b:1': WHOLE });
  const ringUrl = await startRing(t, [
    ['a-1', 'zone-a', 'a:1'],
    ['a-2', 'zone-a', 'a:2'],
    ['b-1', 'zone-b', 'b:1'],
  ]);
  const report = await reports(t, egress, ringUrl, 1, ({ queries }) => queries >= 3);
  t.same([report.phase, report.failed, report.lastError], ['ready', 0, '']);
  const counts = Object.fromEntries(Object.entries(report.members).map(([id, member]) => [id, member.requests]));
  t.equal(counts['a-1'], counts['a-2'], 'both owners of a zone or none');
  t.equal((counts['a-1'] ?? 0) + (counts['b-1'] ?? 0), 3, 'one zone a query');
});

t.test('the next zone is asked when one fails; errors are counted by member, not as failed queries', async (t) => {
  const egress = await startEgress(t, { 'a:1': 'down', 'b:1': WHOLE });
  const ringUrl = await startRing(t, [
    ['a-1', 'zone-a', 'a:1'],
    ['b-1', 'zone-b', 'b:1'],
  ]);
  const report = await reports(t, egress, ringUrl, 1, ({ members }) => (members['a-1']?.errors ?? 0) >= 1);
  t.same([report.phase, report.failed], ['ready', 0]);
  t.equal(report.members['b-1']?.errors, 0);
  t.equal(report.members['b-1']?.requests, report.queries);
});

t.test('it waits until every partition answers, and says for what', async (t) => {
  const ringUrl = await startRing(t, [['a-1', 'zone-a', 'a:1']]);
  const missing = await reports(t, await startEgress(t, { 'a:1': WHOLE }), ringUrl, 2, ({ lastError }) => lastError !== '');
  t.match(missing, { phase: 'waiting', queries: 0, failed: 0, lastError: 'the ring has 1 of 2 partitions', members: {} });
  const down = await reports(t, await startEgress(t, { 'a:1': 'down' }), ringUrl, 1, ({ lastError }) => lastError !== '');
  t.match(down.lastError, /of a-1: gRPC 14 nobody there$/);
  const wrong = await reports(
    t,
    await startEgress(t, { 'a:1': HALVES[0] as typeof WHOLE }),
    ringUrl,
    1,
    ({ lastError }) => lastError !== '',
  );
  t.match(wrong, { phase: 'waiting', lastError: /of a-1: (spans|traces|totals): got/ });
  const nowhere = await reports(t, await startEgress(t, {}), 'http://127.0.0.1:1', 1, ({ lastError }) => lastError !== '');
  t.match(nowhere.lastError, /^ring: /);
});

t.test('its report is a JSON line; other lines are none', (t) => {
  t.equal(readReport('sample querier: started'), null);
  t.equal(readReport('3'), null);
  t.match(readReport('{"phase":"ready","queries":1,"failed":0,"lastError":"","members":{}}'), { queries: 1 });
  t.end();
});

t.test('a ring as control knows it: who would be asked, and what was known while it does not answer', async (t) => {
  const member = { address: 'a:1', zone: 'zone-a', partition: 0, state: 'ACTIVE', reason: '' };
  let members: readonly unknown[] | null = null;
  const pages = new HttpPages({ 'GET /api/rings/live-store': () => (members ? json({ members }) : plain('not now\n', 503)) });
  const { port } = await pages.listen(anyPort);
  const read = controlRing(`http://127.0.0.1:${port}`, 'live-store');
  await t.rejects(read(), { message: `http://127.0.0.1:${port} does not know ring live-store` });
  members = [
    { ...member, id: 'a-0', eds: 'HEALTHY' },
    { ...member, id: 'b-0', eds: 'HEALTHY', zone: 'zone-b', address: 'b:1' },
    { ...member, id: 'c-0', eds: 'UNHEALTHY' },
    { ...member, id: 'd', eds: 'HEALTHY', partition: null },
  ];
  const sets = new Map([
    [
      0,
      new Map([
        ['zone-a', [{ id: 'a-0', address: 'a:1', zone: 'zone-a' }]],
        ['zone-b', [{ id: 'b-0', address: 'b:1', zone: 'zone-b' }]],
      ]),
    ],
  ]);
  t.strictSame(await read(), sets);
  members = null;
  t.strictSame(await read(), sets);
  await pages.close();
  t.strictSame(await read(), sets);
});
