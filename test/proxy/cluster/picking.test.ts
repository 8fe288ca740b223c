// Which host a request gets: shares of priorities, policies, health, retries and hedges.
import t from 'tap';
import { seededRandom } from '../../../src/core/index.ts';
import { Host } from '../../../src/proxy/cluster/host.ts';
import { HostSet } from '../../../src/proxy/cluster/host-set.ts';
import { createScheduler } from '../../../src/proxy/cluster/lb/index.ts';
import { priorityLoad } from '../../../src/proxy/cluster/priority-load.ts';
import { pickAgain, pickUntried } from '../../../src/proxy/cluster/retry-selection.ts';
import type { HealthStatus, HostSelection, LbPolicy } from '../../../src/proxy/cluster/types.ts';

const PREVIOUS: HostSelection = { previousPrioritiesEvery: 1, avoidPreviousHosts: true, maxAttempts: 3 };

function host(name: string, priority = 0, healthStatus: HealthStatus = 'HEALTHY', weight = 1): Host {
  const locality = { region: '', zone: '', subZone: '' };
  return new Host({ address: name, ip: name, port: 1, hostname: '', healthStatus, weight, priority, locality });
}

function setOf(hosts: readonly Host[], options: { panic?: number; policy?: LbPolicy } = {}): HostSet {
  return new HostSet(hosts, {
    overprovisioningFactor: 140,
    panicThreshold: options.panic ?? 50,
    createScheduler: createScheduler(options.policy ?? { name: 'ROUND_ROBIN' }),
    random: seededRandom(7),
  });
}

function counts(picks: number, pick: () => Host | undefined): Record<string, number> {
  const found: Record<string, number> = {};
  for (let i = 0; i < picks; i += 1) {
    const name = pick()?.address ?? 'none';
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

t.test('priorities share the load by health with overprovisioning', (t) => {
  const level = (total: number, healthy: number, degraded = 0) => ({ total, healthy, degraded });
  const cases = [
    { levels: [level(10, 10), level(10, 10)], healthy: [100, 0], degraded: [0, 0], panic: [false, false] },
    { levels: [level(10, 8), level(10, 10)], healthy: [100, 0], degraded: [0, 0], panic: [false, false] },
    { levels: [level(10, 7), level(10, 10)], healthy: [98, 2], degraded: [0, 0], panic: [false, false] },
    { levels: [level(10, 0), level(10, 10)], healthy: [0, 100], degraded: [0, 0], panic: [false, false] },
    { levels: [level(10, 3), level(10, 3)], healthy: [50, 50], degraded: [0, 0], panic: [true, true] },
    { levels: [level(10, 0, 10), level(10, 0)], healthy: [0, 0], degraded: [100, 0], panic: [false, false] },
    { levels: [level(10, 0), level(30, 0)], healthy: [25, 75], degraded: [0, 0], panic: [true, true] },
  ];
  for (const { levels, ...load } of cases) {
    t.same(priorityLoad(levels, { overprovisioningFactor: 140, panicThreshold: 50 }), load, JSON.stringify(levels));
  }
  t.same(
    priorityLoad([level(1, 0), level(1, 0)], { overprovisioningFactor: 140, panicThreshold: 0 }),
    { healthy: [100, 0], degraded: [0, 0], panic: [false, false] },
    'without panic a dead cluster sends everything to an empty first priority',
  );
  t.end();
});

t.test('round robin takes turns, and by weight', (t) => {
  const even = setOf([host('a'), host('b'), host('c')]);
  t.same(
    counts(300, () => even.pick().host),
    { a: 100, b: 100, c: 100 },
  );
  const weighted = setOf([host('a', 0, 'HEALTHY', 1), host('b', 0, 'HEALTHY', 3)]);
  t.same(
    counts(400, () => weighted.pick().host),
    { a: 100, b: 300 },
  );
  t.end();
});

t.test('random and least request spread by weight and load', (t) => {
  const random = setOf([host('a'), host('b', 0, 'HEALTHY', 3)], { policy: { name: 'RANDOM' } });
  const found = counts(4000, () => random.pick().host);
  t.ok(Math.abs((found['b'] ?? 0) - 3000) < 150, `b has about three quarters: ${found['b']}`);
  const busy = host('busy');
  busy.rqActive = 10;
  const least = setOf([busy, host('idle')], { policy: { name: 'LEAST_REQUEST', choiceCount: 2 } });
  const picked = counts(1000, () => least.pick().host);
  t.ok((picked['busy'] ?? 0) < 320, `a busy host only comes when both draws are it: ${picked['busy']}`);
  t.end();
});

t.test('unhealthy and draining hosts get nothing unless panic says so', (t) => {
  const hosts = [host('good'), host('bad', 0, 'UNHEALTHY'), host('leaving', 0, 'DRAINING')];
  t.same(
    counts(30, () => setOf(hosts, { panic: 0 }).pick().host),
    { good: 30 },
  );
  const only = [host('bad', 0, 'UNHEALTHY')];
  t.same(setOf(only, { panic: 50 }).pick(), { host: only[0], panic: true });
  t.same(setOf(only, { panic: 0 }).pick(), { host: undefined, panic: false });
  t.same(setOf([], { panic: 50 }).pick().host, undefined);
  t.end();
});

t.test('a retry goes to the next priority, and back only when all were tried', (t) => {
  const [first, second, third] = [host('p0', 0), host('p1', 1), host('p2', 2)] as [Host, Host, Host];
  const set = setOf([first, second, third], { panic: 0 });
  t.equal(set.pick().host, first);
  t.equal(pickAgain(set, [first], PREVIOUS).host, second);
  t.equal(pickAgain(set, [first, second], PREVIOUS).host, third);
  t.equal(pickAgain(set, [first, second, third], PREVIOUS).host, first, 'nothing else is left: as in Envoy, the first again');
  t.equal(pickUntried(set, [first, second, third], PREVIOUS), undefined, 'but no hedge');
  t.end();
});

t.test('before a retry asks the host that just failed, it asks one that is only ejected', (t) => {
  const [ejected, failed, draining] = [host('ejected', 0), host('failed', 1), host('draining', 2, 'DRAINING')] as [Host, Host, Host];
  ejected.ejection = { state: 'ejected', atMs: 0, forMs: 1000 };
  const set = setOf([ejected, failed, draining], { panic: 0 });
  t.equal(set.pick().host, failed, 'a first try keeps away from it');
  t.equal(pickAgain(set, [failed], PREVIOUS).host, ejected);
  t.equal(pickAgain(set, [failed], PREVIOUS, true).host, failed, 'slow to connect is not dead');
  t.equal(pickAgain(set, [failed, ejected], PREVIOUS).host, failed, 'never one that EDS takes away');
  t.equal(pickUntried(set, [failed], PREVIOUS), undefined, 'and no hedge');
  t.end();
});

t.test('a retry within one priority avoids hosts that were tried', (t) => {
  const [a, b] = [host('a'), host('b')] as [Host, Host];
  const set = setOf([a, b]);
  const selection = { previousPrioritiesEvery: 0, avoidPreviousHosts: true, maxAttempts: 3 };
  for (let i = 0; i < 20; i += 1) t.equal(pickAgain(set, [a], selection).host, b);
  t.end();
});

t.test('a hedge finds any fit host that was not tried, never an unfit one', (t) => {
  const [a, bad, b] = [host('a', 0), host('bad', 1, 'UNHEALTHY'), host('b', 2, 'DEGRADED')] as [Host, Host, Host];
  t.equal(pickUntried(setOf([a, bad, b], { panic: 0 }), [a], PREVIOUS), b);
  t.equal(pickUntried(setOf([a, bad], { panic: 50 }), [a], PREVIOUS), undefined, 'not even when panic would take it');
  t.end();
});
