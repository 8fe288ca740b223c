// Passive health checks: what throws a host out, for how long, and how many may be out at once.
import t from 'tap';
import type { OutlierDetection } from '../../../src/gen/envoy/config/cluster/v3/outlier_detection.ts';
import { OutlierDetection as Message } from '../../../src/gen/envoy/config/cluster/v3/outlier_detection.ts';
import { compileOutlierDetection } from '../../../src/proxy/cluster/compile/outlier-detection.ts';
import { Host } from '../../../src/proxy/cluster/host.ts';
import { OutlierDetector } from '../../../src/proxy/cluster/outlier/detector.ts';
import { clusterScope, MetricRegistry } from '../../../src/telemetry/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const second = { seconds: 1n, nanos: 0 };

/** The egress shape's settings, with changes. */
function variant3(changes: Partial<OutlierDetection> = {}): OutlierDetection {
  return {
    ...Message.decode(new Uint8Array(0)),
    splitExternalLocalOriginErrors: true,
    enforcingConsecutive5xx: 0,
    consecutiveGatewayFailure: 3,
    enforcingConsecutiveGatewayFailure: 100,
    consecutiveLocalOriginFailure: 3,
    interval: second,
    baseEjectionTime: { seconds: 2n, nanos: 0 },
    maxEjectionPercent: 50,
    ...changes,
  };
}

function watch(message: OutlierDetection, names: readonly string[]) {
  const clock = new FakeClock();
  const metrics = new MetricRegistry();
  const scope = clusterScope(metrics, 'c');
  let changes = 0;
  const settings = compileOutlierDetection('outlier_detection', message);
  if (!settings) throw new Error('no settings');
  const detector = new OutlierDetector(settings, {
    clock,
    random: () => 0.5,
    scope,
    onHealthChange: () => {
      changes += 1;
    },
  });
  const hosts = names.map((address) => {
    const locality = { region: '', zone: '', subZone: '' };
    const host = new Host({ address, ip: address, port: 1, hostname: '', healthStatus: 'UNKNOWN', weight: 1, priority: 0, locality });
    detector.add(host);
    return host;
  });
  const value = (stat: string): number => {
    const found = metrics.series().find(({ id }) => id.stat === `cluster.c.outlier_detection.${stat}`)?.metric;
    return found && 'value' in found ? found.value : 0;
  };
  return { clock, hosts, detector, scope, value, changes: () => changes };
}

t.test('who else is out under the same stat name does not count', async (t) => {
  const { hosts, detector, value, scope } = watch(variant3(), ['a', 'b']);
  const ejections = scope.gauge('outlier_detection.ejections_active');
  ejections.value += 1;
  for (let i = 0; i < 3; i += 1) hosts[0]?.monitor?.onFailure('connection');
  t.equal(hosts[0]?.health, 'unhealthy', 'one of two may be out');
  t.equal(value('ejections_active'), 2);
  for (const host of [...hosts, ...hosts]) detector.remove(host);
  t.equal(value('ejections_active'), 1, 'given back once');
});

t.test('a host that EDS took out as well leaves room for another', async (t) => {
  const { hosts } = watch(variant3(), ['a', 'b', 'c']);
  const [a, b] = hosts;
  if (!a || !b) throw new Error('no hosts');
  for (let i = 0; i < 3; i += 1) a.monitor?.onFailure('connection');
  a.endpoint = { ...a.endpoint, healthStatus: 'UNHEALTHY' };
  for (let i = 0; i < 3; i += 1) b.monitor?.onFailure('connection');
  t.equal(b.health, 'unhealthy');
});

t.test('twenty Unknown answers throw nobody out', async (t) => {
  const { hosts, value } = watch(variant3(), ['a', 'b']);
  for (let i = 0; i < 20; i += 1) {
    hosts[0]?.monitor?.onConnected();
    hosts[0]?.monitor?.onResponse(500);
  }
  t.equal(hosts[0]?.health, 'healthy');
  t.equal(value('ejections_detected_consecutive_5xx'), 4, 'seen, not enforced');
  t.equal(value('ejections_enforced_total'), 0);
});

t.test('three failed connections throw a host out, time brings it back', async (t) => {
  const { clock, hosts, value, changes } = watch(variant3(), ['a', 'b']);
  for (let i = 0; i < 3; i += 1) hosts[0]?.monitor?.onFailure('connection');
  t.equal(hosts[0]?.health, 'unhealthy');
  t.equal(hosts[0]?.healthFlags, '/failed_outlier_check');
  t.equal(value('ejections_active'), 1);
  for (let i = 0; i < 3; i += 1) hosts[1]?.monitor?.onFailure('connection');
  t.equal(hosts[1]?.health, 'healthy', 'half of two may be out, not both');
  t.equal(value('ejections_overflow'), 1);
  await clock.advance(1900);
  t.equal(hosts[0]?.health, 'unhealthy');
  await clock.advance(200);
  t.equal(hosts[0]?.health, 'healthy');
  t.equal(changes(), 2);
  for (let i = 0; i < 3; i += 1) hosts[0]?.monitor?.onFailure('connection');
  await clock.advance(3900);
  t.equal(hosts[0]?.health, 'unhealthy', 'twice the time for the second time');
  await clock.advance(1200);
  t.equal(hosts[0]?.health, 'healthy');
});

t.test('the last host that EDS leaves is not thrown out', async (t) => {
  const { hosts, value } = watch(variant3(), ['a', 'b']);
  const [first, second] = hosts;
  if (!first || !second) throw new Error('no hosts');
  second.endpoint = { ...second.endpoint, healthStatus: 'DRAINING' };
  for (let i = 0; i < 3; i += 1) first.monitor?.onFailure('connection');
  t.equal(first.health, 'healthy');
  t.equal(value('ejections_overflow'), 1);
});

t.test('a stream that was had ends a row of local failures', async (t) => {
  const { hosts } = watch(variant3(), ['a', 'b']);
  for (let i = 0; i < 10; i += 1) {
    hosts[0]?.monitor?.onConnected();
    hosts[0]?.monitor?.onFailure('timeout');
  }
  t.equal(hosts[0]?.health, 'healthy');
});

t.test('without split, failures here count as 503 and 504', async (t) => {
  const { hosts } = watch(variant3({ splitExternalLocalOriginErrors: false, consecutive5xx: 3, enforcingConsecutive5xx: 100 }), ['a', 'b']);
  hosts[0]?.monitor?.onFailure('timeout');
  hosts[0]?.monitor?.onFailure('connection');
  hosts[0]?.monitor?.onConnected();
  hosts[0]?.monitor?.onResponse(500);
  t.equal(hosts[0]?.health, 'unhealthy');
});

t.test('a host whose success rate lies far below the others goes out at the interval', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { clock, hosts } = watch(variant3({ maxEjectionPercent: 100 }), names);
  for (const host of hosts) {
    for (let i = 0; i < 100; i += 1) host.monitor?.onResponse(host.address === 'f' && i % 2 === 0 ? 500 : 200);
  }
  await clock.advance(1000);
  t.same(
    hosts.map(({ health }) => health),
    ['healthy', 'healthy', 'healthy', 'healthy', 'healthy', 'unhealthy'],
  );
});

t.test('nothing ticks while nothing happens', async (t) => {
  const { clock, hosts } = watch(variant3(), ['a', 'b']);
  t.equal(clock.pending, 0);
  hosts[0]?.monitor?.onResponse(200);
  t.equal(clock.pending, 1);
  await clock.advance(1000);
  t.equal(clock.pending, 0);
});
