// 500 requests a second through egress and inbound sidecars while members die, come and go: not one call fails.
import t from 'tap';
import { formatHostPort } from '../../src/core/index.ts';
import { memberPlan } from '../support/fleet.ts';
import { FleetLoad, SIDECAR_KINDS, startFleet } from '../support/with-fleet.ts';

const RATE = 500;

t.setTimeout(300_000);

for (const kind of SIDECAR_KINDS) {
  t.test(`${kind}: a live-store killed with SIGKILL costs no call`, async (t) => {
    const fleet = await startFleet(t, kind);
    if (!fleet) return;
    const load = await FleetLoad.start(fleet, { ratePerSecond: RATE });
    await load.passes(2 * RATE);
    await fleet.kill('live-store-zone-a-0');
    await load.passes(4 * RATE);
    const report = await load.stopsClean(t);
    t.ok(report.sent >= 6 * RATE);
    t.equal(Object.keys(report.byAuthority).length, 4, 'the dead one was asked to the end: the ring calls it healthy');
  });

  t.test(`${kind}: the sidecar of a live-store killed with SIGKILL costs no call`, async (t) => {
    const fleet = await startFleet(t, kind);
    if (!fleet) return;
    const load = await FleetLoad.start(fleet, { ratePerSecond: RATE });
    await load.passes(RATE);
    await fleet.kill('inbound live-store-zone-b-1');
    await load.passes(4 * RATE);
    await load.stopsClean(t);
  });

  t.test(`${kind}: a member that joins and one that leaves cost no call`, async (t) => {
    const fleet = await startFleet(t, kind);
    if (!fleet) return;
    const load = await FleetLoad.start(fleet, { ratePerSecond: RATE });
    await load.passes(RATE);
    const joined = await fleet.plan(memberPlan('c', 1));
    load.hearNews(false);
    await fleet.startInbound(joined.id);
    fleet.startLiveStore(joined.id);
    await fleet.waitServing([joined.id]);
    load.hearNews(true);
    await load.knows(formatHostPort(joined.advertised), true);
    await load.passes(3 * RATE);
    const leaver = 'live-store-zone-b-1';
    const address = formatHostPort(fleet.members.get(leaver)?.advertised ?? joined.advertised);
    load.hearNews(false);
    await fleet.leave(leaver);
    await load.passes(2 * RATE);
    load.hearNews(true);
    await load.knows(address, false);
    await load.passes(RATE);
    await fleet.terminate(leaver);
    await load.passes(RATE);
    const report = await load.stopsClean(t);
    t.ok((report.byAuthority[formatHostPort(joined.advertised)] ?? 0) > RATE / 2, 'the new member was asked');
  });
}
