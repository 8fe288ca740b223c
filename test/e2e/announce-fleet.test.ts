// Control reads a ring that its members announce over a real nats-server, and queries go on while members and NATS come and go.
import t, { type Test } from 'tap';
import { type AnnouncedFleet, announcedFleet, type ReportedMember } from '../support/announced-fleet.ts';
import { until } from '../support/with-fleet.ts';

t.setTimeout(300_000);

const [A, B] = ['live-store-zone-a-0', 'live-store-zone-b-0'] as const;

/** Looks at the owners of partition 0 without pause; `worst` is the fewest that EDS called HEALTHY at any time. */
function watchOwners(
  t: Test,
  fleet: AnnouncedFleet,
): { readonly seen: (readonly ReportedMember[])[]; worst(): number; stop(): Promise<void> } {
  const seen: (readonly ReportedMember[])[] = [];
  let isWatching = true;
  const watching = (async () => {
    while (isWatching) {
      const owners = (await fleet.members()).filter(({ partition }) => partition === 0);
      if (owners.length > 0) seen.push(owners);
      await new Promise((done) => setTimeout(done, 20));
    }
  })();
  const stop = async (): Promise<void> => {
    isWatching = false;
    await watching;
  };
  t.teardown(stop);
  return { seen, worst: () => Math.min(...seen.map((owners) => owners.filter(({ eds }) => eds === 'HEALTHY').length)), stop };
}

/** As Kubernetes restarts a pod: the live-store ends, then its sidecar; the sidecar starts, then the live-store. */
async function restartPod(fleet: AnnouncedFleet, id: string): Promise<void> {
  await fleet.terminate(id);
  await fleet.terminate(`sidecar of ${id}`);
  await fleet.stands(id, '-');
  fleet.start(`sidecar of ${id}`);
  fleet.start(id);
}

t.test('a rolling restart of both owners of a partition costs no call, and one of them is asked at any time', async (t) => {
  const fleet = await announcedFleet(t);
  if (!fleet) return;
  const owners = watchOwners(t, fleet);
  const load = fleet.load(100);
  for (const id of [A, B]) {
    await restartPod(fleet, id);
    await fleet.stands(id, 'ACTIVE');
    // minReadySeconds: the egress sidecar ejects a member that does not answer for two seconds, whatever the ring says meanwhile
    await until(async () => !(await fleet.egressClusters()).includes('failed_outlier_check'), 'nobody is ejected');
  }
  await fleet.stopsClean(t, load);
  await owners.stop();
  t.ok(owners.worst() >= 1, `never fewer than ${owners.worst()} of ${owners.seen.length} looks`);
});

t.test('restarted both at once, our own gate does not make the last owner one that nobody asks', async (t) => {
  const fleet = await announcedFleet(t);
  if (!fleet) return;
  const owners = watchOwners(t, fleet);
  // the live-stores die; their sidecars stay and say so
  await Promise.all([fleet.kill(A), fleet.kill(B)]);
  await Promise.all([fleet.stands(A, 'JOINING'), fleet.stands(B, 'JOINING')]);
  const members = await fleet.members();
  for (const id of [A, B])
    t.match(
      members.find((member) => member.id === id),
      { eds: 'HEALTHY', reason: /partition 0 has no owner that is ready/ },
    );
  fleet.start(A);
  await fleet.stands(A, 'ACTIVE');
  await until(async () => (await fleet.members()).find(({ id }) => id === B)?.eds === 'UNHEALTHY', 'B is held back again');
  fleet.start(B);
  await fleet.stands(B, 'ACTIVE');
  await owners.stop();
  t.ok(owners.worst() >= 1, `never fewer than ${owners.worst()} of ${owners.seen.length} looks`);
});

t.test('a sidecar killed with SIGKILL and one killed live-store cost no call', async (t) => {
  const fleet = await announcedFleet(t);
  if (!fleet) return;
  const load = fleet.load(200);
  await until(() => load.ended > 100, 'some calls');
  await fleet.kill(`sidecar of ${A}`);
  await until(() => load.ended > 800, 'more calls');
  t.match(
    (await fleet.members()).find(({ id }) => id === A),
    { state: 'ACTIVE', eds: 'HEALTHY' },
    'the ring cannot know yet',
  );
  fleet.start(`sidecar of ${A}`);
  await until(() => load.ended > 1_200, 'more calls');
  await fleet.kill('live-store-zone-b-1');
  await fleet.stands('live-store-zone-b-1', 'JOINING');
  await until(() => load.ended > 2_000, 'more calls');
  await fleet.stopsClean(t, load);
});

t.test('NATS away for more than a minute: no call fails; who came and went in between is known two seconds after its return', async (t) => {
  const fleet = await announcedFleet(t);
  if (!fleet) return;
  const load = fleet.load(50);
  const [held, silent] = ['live-store-zone-a-1', 'live-store-zone-b-0'];
  // one that can wait until it is heard, and one that cannot
  await fleet.terminate(`sidecar of ${held}`);
  await fleet.stands(held, '-');
  fleet.start(`sidecar of ${held}`, ['--drain-time', '120s']);
  await fleet.stands(held, 'ACTIVE');
  await fleet.kill(`sidecar of ${A}`);
  await fleet.nats.stop();
  const awayMs = performance.now();
  fleet.start(`sidecar of ${A}`);
  const before = await fleet.members();
  await fleet.terminate(held);
  const leaving = fleet.terminate(`sidecar of ${held}`);
  await until(() => performance.now() - awayMs > 5_000, 'five seconds');
  await fleet.kill(`sidecar of ${silent}`);
  await until(() => performance.now() - awayMs > 65_000, 'a minute', 70_000);
  t.strictSame(
    (await fleet.members()).map(({ id, state, eds }) => ({ id, state, eds })),
    before.map(({ id, state, eds }) => ({ id, state, eds })),
    'the ring is as it was',
  );
  const owners = watchOwners(t, fleet);
  await fleet.nats.start();
  const backMs = performance.now();
  const isRight = async (): Promise<boolean> => {
    const members = await fleet.members();
    const find = (id: string): ReportedMember | undefined => members.find((member) => member.id === id);
    return !find(held) && find(A)?.state === 'ACTIVE' && (find(A)?.heartbeatAgeMs ?? 1e9) < 2_000;
  };
  await until(isRight, 'the ring is right');
  const tookMs = performance.now() - backMs;
  t.ok(tookMs < 2_000, `right after ${Math.round(tookMs)} ms`);
  await until(
    async () => (await fleet.members()).find(({ id }) => id === silent)?.eds === 'UNHEALTHY',
    'who is silent is not asked',
    5_000,
  );
  await leaving;
  await until(() => performance.now() - backMs > 10_000, 'ten seconds');
  await owners.stop();
  t.ok(owners.worst() >= 1, 'who is there was never doubted');
  await fleet.stopsClean(t, load);
});
