import t, { type Test } from 'tap';
import { createConfig } from '../../src/config/index.ts';
import { createSnapshotSource, StageDriver } from '../../src/control/index.ts';
import { decodeMessage, type MessageName, type MessageValue } from '../../src/envoy/index.ts';
import { HealthStatus } from '../../src/gen/envoy/config/core/v3/health_check.ts';
import { Any } from '../../src/gen/google/protobuf/any.ts';
import { decodeInstanceRing, decodePartitionRing, joinRings } from '../../src/membership/dskit/index.ts';
import { MembershipHub } from '../../src/membership/index.ts';
import type { MembershipSource, SourceReport } from '../../src/membership/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import type { SnapshotFeed } from '../../src/xds/server/types.ts';
import { TYPE_URLS, type TypeUrl } from '../../src/xds/types.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { type Moment, recordedRing } from '../support/recorded-rings.ts';

/** Seconds of the recording: b-1 was last heard at …529, b-0 left at …545. */
const CRASHED_S = 1_795_260_540;
const STOPPED_S = 1_795_260_555;

/** From the hub to the snapshot of a querier in zone-a, with a source that says what was recorded. */
async function play(t: Test) {
  const clock = new FakeClock(CRASHED_S * 1000);
  let put = (_: SourceReport): void => {};
  const source: MembershipSource = {
    name: 'tempo',
    async *watch(signal) {
      while (!signal.aborted) {
        const next = Promise.withResolvers<SourceReport | null>();
        put = next.resolve;
        signal.addEventListener('abort', () => next.resolve(null), { once: true });
        const report = await next.promise;
        if (report !== null) yield report;
      }
    },
  };
  const config = createConfig('test', {
    rings: { 'live-store': { sources: [{ static: { file: 'x' } }], allowedAddresses: ['127.0.0.0/8'] } },
  }).rings.get('live-store');
  if (!config) throw new Error('no ring');
  const deps = { clock, logger: silentLogger, metrics: new MetricRegistry() };
  const hub = new MembershipHub([{ name: 'live-store', sources: [source], config }], deps);
  const driver = new StageDriver({ catalog: hub.catalog, ...deps });
  await driver.start();
  await hub.start();
  t.teardown(() => Promise.all([hub.stop(), driver.stop()]));
  const snapshots = createSnapshotSource({ catalog: hub.catalog, stage: driver.stage, ...deps });
  const feed = snapshots.open({ id: 'q', cluster: 'live-store/egress', zone: 'zone-a', ringway: {}, userAgent: '' }) as SnapshotFeed;
  return {
    feed,
    /** The members of that moment; those who lived then have a heartbeat of `atS`. */
    async say(moment: Moment, atS: number): Promise<void> {
      await clock.advance(atS * 1000 - clock.nowMs());
      const recorded = recordedRing(moment);
      const joined = joinRings(decodeInstanceRing(recorded.instanceBytes), decodePartitionRing(recorded.partitionBytes));
      const isAlive = (id: string): boolean => id.includes('zone-a');
      const members = joined.members.map((member) => (isAlive(member.id) ? { ...member, heartbeatMs: atS * 1000 } : member));
      put({ kind: 'members', ring: 'live-store', ...joined, members, asOfMs: clock.nowMs() });
      await settle();
    },
  };
}

function read<Name extends MessageName>(feed: SnapshotFeed, type: TypeUrl, name: Name): MessageValue<Name>[] {
  const resources = feed.snapshot.value?.types.get(type)?.resources.values() ?? [];
  return [...resources].map(({ any }) => decodeMessage(name, Any.decode(any).value));
}

const HEALTH = new Map(Object.entries(HealthStatus).map(([name, number]) => [number, name]));

/** What Envoy is told: `member: health in order of priority; authority`, a line a cluster. */
function told(feed: SnapshotFeed): string[] {
  const [routes] = read(feed, TYPE_URLS.route, 'envoy.config.route.v3.RouteConfiguration');
  return read(feed, TYPE_URLS.endpoint, 'envoy.config.endpoint.v3.ClusterLoadAssignment').map(({ clusterName, endpoints }) => {
    const health = endpoints.flatMap(({ lbEndpoints }) => lbEndpoints.map(({ healthStatus }) => HEALTH.get(healthStatus)));
    const host = routes?.virtualHosts.find(({ name }) => name === clusterName);
    return `${clusterName.replace('live-store/live-store-zone-', '')}: ${health.join(', ')}; ${host?.domains[0] ?? 'no route'}`;
  });
}

t.test('a crash and a graceful stop as Tempo told them: each step, as Envoy hears it', async (t) => {
  const { feed, say } = await play(t);
  const versions = new Set<string | undefined>();
  const step = (): string[] => {
    versions.add(feed.snapshot.value?.version);
    return told(feed);
  };
  await say('after-crash', CRASHED_S);
  const asBefore = [
    'a-0: HEALTHY, HEALTHY; 127.0.0.11:9196',
    'a-1: HEALTHY, HEALTHY; 127.0.0.13:9196',
    'b-0: HEALTHY, HEALTHY; 127.0.0.12:9196',
    'b-1: HEALTHY, HEALTHY; 127.0.0.14:9196',
  ];
  t.same(step(), asBefore, 'the ring does not know of the crash yet: b-1 is asked, and the retry goes to a-1');

  await say('after-stop', STOPPED_S);
  t.same(
    step(),
    [
      'a-0: HEALTHY; 127.0.0.11:9196',
      'a-1: HEALTHY, HEALTHY; 127.0.0.13:9196',
      'b-0: DRAINING, HEALTHY; 127.0.0.12:9196',
      'b-1: HEALTHY, HEALTHY; 127.0.0.14:9196',
    ],
    'b-0 left: it drains, calls to it go to a-0, and it stands in for nobody',
  );

  await say('after-stop', STOPPED_S + 30);
  t.equal(versions.size, 2, 'heartbeats alone say nothing');
  await say('after-stop', STOPPED_S + 35);
  t.same(
    step().slice(1),
    ['a-1: HEALTHY, UNHEALTHY; 127.0.0.13:9196', 'b-0: DRAINING, HEALTHY; 127.0.0.12:9196', 'b-1: UNHEALTHY, HEALTHY; 127.0.0.14:9196'],
    'a minute after its last heartbeat b-1 is not asked any more',
  );

  await say('after-stop', STOPPED_S + 61);
  t.equal(step()[2], 'b-0: DRAINING; no route', 'a minute after it left nobody calls b-0; what runs may end');
  await say('after-stop', STOPPED_S + 91);
  t.same(
    step().map((line) => line.slice(0, 3)),
    ['a-0', 'a-1', 'b-1'],
    'half a minute later it is gone',
  );
});
