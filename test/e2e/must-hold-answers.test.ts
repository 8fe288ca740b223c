// Answers that are slow or unwelcome are answers: nobody is ejected for them, nothing is asked twice for nothing, sums stay exact.
import t, { type Test } from 'tap';
import { formatHostPort } from '../../src/core/index.ts';
import { GrpcClient } from '../../src/demo/grpc/index.ts';
import { askRange, askTrace, type Question } from '../../src/demo/querier/questions.ts';
import { type Fleet, type FleetMember, fourMembers, memberPlan } from '../support/fleet.ts';
import { FleetLoad, SIDECAR_KINDS, startFleet } from '../support/with-fleet.ts';

t.setTimeout(300_000);

const FIND = '/tempopb.Querier/FindTraceByID';
const RANGE = '/tempopb.Metrics/QueryRange';

for (const kind of SIDECAR_KINDS) {
  t.test(`${kind}: 20 Unknown answers and 50 slow queries eject nobody and fail nobody else`, async (t) => {
    const fleet = await startFleet(t, kind);
    if (!fleet) return;
    const client = new GrpcClient(fleet.egress);
    t.teardown(() => client.close());
    const load = await FleetLoad.start(fleet, { ratePerSecond: 100, ask: (target, n) => askTrace(target.topic, n) });
    await load.passes(50);
    const lagging = fleet.members.get('live-store-zone-a-0') as FleetMember;
    const before = await fleet.backendCalls(FIND);
    const unknown = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(client, lagging, askTrace(lagging.holding, n), { 'x-sample-fail': 'lag' })),
    );
    t.same(new Set(unknown.map((reply) => `${reply.status} ${reply.statusText}`)), new Set(['2 cannot guarantee complete results']));
    t.ok((await fleet.backendCalls(FIND)) >= before + 20);

    const members = [...fleet.members.values()];
    const slow = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const member = members[n % members.length] as FleetMember;
        const asked = askRange(member.holding);
        const reply = await ask(client, member, asked, { 'x-sample-delay-ms': '2000' });
        return reply.status === 0 ? asked.check([reply.message]) : `gRPC ${reply.status} ${reply.statusText}`;
      }),
    );
    t.same(new Set(slow), new Set(['']), 'every slow query is answered, and rightly');
    const ranges = await fleet.backendCalls(RANGE);
    t.ok(ranges >= 50 && ranges <= 60, `${ranges} backend calls for 50 queries`);
    await load.passes(100);
    const report = await load.stopsClean(t);
    const finds = await fleet.backendCalls(FIND);
    t.ok(finds <= 1.2 * (report.sent + 20), `${finds} backend calls for ${report.sent + 20} queries`);
    await nobodyIsEjected(t, fleet);
  });

  t.test(`${kind}: two owners in one zone: sums are exact, also while one of them is dead`, async (t) => {
    const halves = [0, 1].map((share) => memberPlan('a', 0, { id: `live-store-zone-a-${share === 0 ? '' : 'more-'}0`, share, shares: 2 }));
    const fleet = await startFleet(t, kind, [...halves, ...fourMembers().filter(({ id }) => id !== 'live-store-zone-a-0')]);
    if (!fleet) return;
    const client = new GrpcClient(fleet.egress);
    t.teardown(() => client.close());
    const zones = [halves.map(({ id }) => id), ['live-store-zone-b-0']].map((ids) => ids.map((id) => fleet.members.get(id) as FleetMember));
    const query = async (first: number): Promise<string> => {
      const order = first === 0 ? zones : zones.toReversed();
      let outcome = '';
      for (const owners of order) {
        const asked = askRange({ partition: 0, partitions: 2 });
        const replies = await Promise.all(owners.map((owner) => ask(client, owner, asked)));
        if (replies.every((reply) => reply.status === 0)) return asked.check(replies.map((reply) => reply.message));
        outcome = replies.map((reply) => `${reply.status} ${reply.statusText}`).join('; ');
      }
      return outcome;
    };
    const round = async (): Promise<string[]> => Promise.all(Array.from({ length: 40 }, (_, n) => query(n % 2)));
    t.same(new Set(await round()), new Set(['']), 'both alive');
    await fleet.kill('live-store-zone-a-0');
    for (let n = 0; n < 5; n += 1) t.same(new Set(await round()), new Set(['']), 'one half dead: the other zone answers');
    const half = await ask(client, fleet.members.get('live-store-zone-a-0') as FleetMember, askRange({ partition: 0, partitions: 2 }));
    t.equal(half.status, 14, 'nobody stands in for a half');
  });
}

function ask(
  client: GrpcClient,
  member: FleetMember,
  { path, message }: Question,
  metadata: Record<string, string> = {},
): ReturnType<GrpcClient['unary']> {
  return client.unary({
    path,
    message,
    authority: formatHostPort(member.advertised),
    metadata: { 'x-scope-orgid': 't', ...metadata },
    timeoutMs: 10_000,
  });
}

async function nobodyIsEjected(t: Test, fleet: Fleet): Promise<void> {
  for (const name of ['egress', ...fleet.members.keys()]) {
    const hosts = (await fleet.sidecarAdmin(name, '/clusters')).split('\n').filter((line) => line.includes('::health_flags::'));
    t.ok(hosts.length > 0, `${name} has hosts`);
    t.same(
      hosts.filter((line) => line.includes('failed_outlier_check')),
      [],
      `${name}: nobody ejected`,
    );
  }
}
