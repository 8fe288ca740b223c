// Parts start in any order, go away and come back.
import { connect } from 'node:net';
import t from 'tap';
import { formatHostPort, type HostPort, seededRandom } from '../../src/core/index.ts';
import { GrpcClient } from '../../src/demo/grpc/index.ts';
import { HEALTH_CHECK_METHOD } from '../../src/grpc/index.ts';
import { type FleetMember, memberPlan } from '../support/fleet.ts';
import { createFleet, FleetLoad, SIDECAR_KINDS, startFleet, until } from '../support/with-fleet.ts';

t.setTimeout(300_000);

const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);
t.comment(`seed ${seed}: SEED=${seed} repeats this run`);

const CHECK = {
  path: HEALTH_CHECK_METHOD,
  authority: 'a:1',
  message: new Uint8Array(0),
  metadata: { 'x-scope-orgid': '0' },
  timeoutMs: 5_000,
};

for (const kind of SIDECAR_KINDS) {
  t.test(`${kind}: control killed and restarted: sidecars go on, and catch up`, async (t) => {
    const fleet = await startFleet(t, kind);
    if (!fleet) return;
    const load = await FleetLoad.start(fleet, { ratePerSecond: 200 });
    await load.passes(100);
    await fleet.kill('control');
    await load.passes(400);
    load.hearNews(false);
    const joined = await fleet.plan(memberPlan('c', 0));
    await fleet.startInbound(joined.id);
    fleet.startLiveStore(joined.id);
    fleet.startControl();
    await fleet.waitServing([joined.id]);
    load.hearNews(true);
    await load.knows(formatHostPort(joined.advertised), true);
    await load.passes(300);
    const report = await load.stopsClean(t);
    t.ok((report.byAuthority[formatHostPort(joined.advertised)] ?? 0) > 0, 'who joined meanwhile is asked');
  });

  t.test(`${kind}: inbound long before its live-store and without control; then the same id under a new address`, async (t) => {
    const fleet = await createFleet(t, kind);
    if (!fleet) return;
    const id = 'live-store-zone-a-0';
    const first = await fleet.plan(memberPlan('a', 0));
    await fleet.startInbound(id);
    await until(() => accepts(first.advertised), 'the inbound sidecar listens without control');
    const direct = new GrpcClient(first.advertised);
    t.teardown(() => direct.close());
    for (let n = 0; n < 20; n += 1) {
      const reply = await direct.unary(CHECK);
      t.equal(reply.status, 14, 'nobody behind it: UNAVAILABLE');
    }
    fleet.startDistributor(1);
    fleet.startControl();
    await fleet.startEgress();
    fleet.startLiveStore(id);
    await fleet.waitServing([id]);
    t.equal((await direct.unary(CHECK)).status, 0);

    await Promise.all([fleet.terminate(id), fleet.terminate(`inbound ${id}`)]);
    const second: FleetMember = await fleet.plan(memberPlan('a', 0));
    t.not(second.advertised.port, first.advertised.port);
    await fleet.startInbound(id);
    fleet.startLiveStore(id);
    await fleet.waitServing([id]);
  });

  t.test(`${kind}: all parts in 6 random orders`, async (t) => {
    const random = seededRandom(seed);
    for (let n = 0; n < 6; n += 1) {
      const fleet = await createFleet(t, kind);
      if (!fleet) return;
      const plans = [memberPlan('a', 0), memberPlan('b', 0)];
      for (const plan of plans) await fleet.plan(plan);
      const parts: [string, () => unknown][] = [
        ['control', () => fleet.startControl()],
        ['distributor', () => fleet.startDistributor(2)],
        ['egress', () => fleet.startEgress()],
        ...plans.map(({ id }): [string, () => unknown] => [id, () => fleet.startLiveStore(id)]),
        ...plans.map(({ id }): [string, () => unknown] => [`inbound ${id}`, () => fleet.startInbound(id)]),
      ];
      const order = parts.map((part) => ({ part, rank: random() })).sort((a, b) => a.rank - b.rank);
      for (const { part } of order) await part[1]();
      await fleet.waitServing(plans.map(({ id }) => id));
      t.pass(order.map(({ part }) => part[0]).join(', '));
      await fleet.stop();
    }
  });
}

function accepts({ host, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
