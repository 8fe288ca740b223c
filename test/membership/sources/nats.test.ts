import { isDeepStrictEqual } from 'node:util';
import t, { type Test } from 'tap';
import { follow, systemClock } from '../../../src/core/index.ts';
import { createNatsSource } from '../../../src/membership/sources/nats/index.ts';
import type { Lease, Member, MembershipSource, SourceReport } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { natsBus, natsConnection, watchBus } from '../../support/nats-bus.ts';
import { natsServer } from '../../support/nats-server.ts';
import { peerSkip } from '../../support/peers.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { type SourceUnderTest, sourceSuite } from '../source-suite.ts';

t.setTimeout(60_000);

type Told = Pick<Member, 'id' | 'address' | 'zone' | 'partition'>;

/** The same source, which also remembers its last report before anybody has asked for it. */
function remembering(source: MembershipSource, remember: (report: SourceReport) => void): MembershipSource {
  return {
    name: source.name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const reading = (async () => {
          for await (const report of source.watch(signal)) {
            remember(report);
            put(report);
          }
        })();
        return () => reading;
      }),
  };
}

async function sourceUnderTest(t: Test): Promise<SourceUnderTest> {
  const server = await natsServer(t);
  if (server === undefined) throw new Error('no nats-server');
  // The server has its own clock, which is the system's.
  const clock = new FakeClock(Date.now());
  const connection = natsConnection([server.url]);
  const bus = natsBus(t, connection);
  const leases = new Map<string, { readonly lease: Lease; readonly member: Told }>();
  let isRunning = false;
  let wanted: (report: SourceReport) => boolean = () => true;
  let isSeen = false;
  const options = { name: 'nats', ring: 'live-store', ...connection, replicas: 1, forgetAfterMs: 120_000 };
  const source = remembering(createNatsSource(options, sourceDeps(clock)), (report) => {
    isSeen ||= wanted(report);
  });
  const look = async (): Promise<void> => {
    isSeen = false;
    while (!isSeen) {
      await clock.advance(20);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  return {
    source,
    clock,
    look,
    async say(members) {
      if (!isRunning) await server.start();
      isRunning = true;
      await watchBus(t, bus).when(() => true);
      for (const [id, { lease, member }] of leases) {
        if (members.some((other) => isDeepStrictEqual(other, member))) continue;
        leases.delete(id);
        if (!members.some((other) => other.id === id)) await bus.leave(lease);
      }
      for (const member of members)
        if (!leases.has(member.id)) leases.set(member.id, { lease: await bus.join({ ...member, state: 'ACTIVE' }), member });
      wanted = (report) => {
        if (report.kind === 'failed') return false;
        return isDeepStrictEqual(
          report.members.map(({ id, address, zone, partition }) => ({ id, address, zone, partition })),
          members,
        );
      };
    },
    async spoil() {
      isRunning = false;
      await server.stop();
      wanted = ({ kind }) => kind === 'failed';
    },
  };
}

t.test('a nats source keeps the promises of every source', { skip: peerSkip('nats-server') }, (t) => sourceSuite(t, sourceUnderTest));

t.test('what it reports: heartbeats as they were written, registration, no partitions', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const connection = natsConnection([server.url]);
  const options = { name: 'nats', ring: 'live-store', ...connection, replicas: 1, forgetAfterMs: 120_000 };
  const stop = new AbortController();
  const reports = createNatsSource(options, sourceDeps(systemClock)).watch(stop.signal)[Symbol.asyncIterator]();
  t.teardown(async () => {
    stop.abort();
    await reports.return?.();
  });
  t.match(await reports.next(), { value: { kind: 'members', ring: 'live-store', members: [], partitions: [] } });
  const fromMs = Date.now();
  const bus = natsBus(t, connection);
  await bus.join({ id: 'a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 7, state: 'LEAVING' });
  const other = natsBus(t, connection, { ring: 'another' });
  await other.join({ id: 'x', address: 'x:1', zone: '', partition: null, state: 'ACTIVE' });
  const { value } = await reports.next();
  const [member, ...more] = value?.kind === 'members' ? value.members : [];
  t.match(member, { id: 'a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 7, state: 'LEAVING' });
  t.strictSame(more, [], 'not those of another ring');
  for (const moment of [member?.heartbeatMs ?? 0, member?.registeredMs ?? 0]) t.ok(moment >= fromMs && moment <= Date.now());
});

t.test('who only looks leaves NATS as it is', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const connection = natsConnection([server.url]);
  const options = { name: 'nats', ring: 'live-store', ...connection, replicas: 1, forgetAfterMs: 1 };
  const look = async (): Promise<SourceReport | undefined> => {
    const reports = createNatsSource(options, { ...sourceDeps(systemClock), mayWrite: false }).watch(AbortSignal.timeout(30_000));
    for await (const report of reports) return report;
    return undefined;
  };
  t.match(await look(), { kind: 'failed', error: { code: 'BUS_UNAVAILABLE', message: /^nats: bucket "ringway": stream not found/ } });
  t.match(await look(), { kind: 'failed' }, 'and has made none');

  const bus = natsBus(t, connection);
  const control = watchBus(t, bus);
  await control.when(() => true);
  await bus.join({ id: 'a-0', address: '10.0.0.1:9096', zone: '', partition: null, state: 'ACTIVE' });
  await control.when((members) => members.length === 1);
  t.match(await look(), { kind: 'members', members: [{ id: 'a-0' }] }, 'however short forgetAfter is');
  t.match(await look(), { kind: 'members', members: [{ id: 'a-0' }] });
});
