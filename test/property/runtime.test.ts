// Random updates against a model: the configuration that requests see is closed under references, or the last good one.
import fc from 'fast-check';
import t from 'tap';
import type { RuntimeConfig } from '../../src/proxy/runtime/types.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { type FakeCompiled, type FakeResource, type FakeRuntime, fakeDataPlane, fakeUpdate } from '../support/fake-data-plane.ts';

type Kind = 'cluster' | 'endpoint' | 'listener' | 'route';
type Step =
  | { readonly do: 'apply'; readonly kind: Kind; readonly upserts: readonly FakeResource[]; readonly removed: readonly string[] }
  | { readonly do: 'wait'; readonly ms: number };
type Config = RuntimeConfig<FakeCompiled, FakeCompiled>;

const name = fc.constantFrom('a', 'b', 'c');
const names = fc.uniqueArray(name, { maxLength: 3 });
const tag = fc.integer({ min: 1, max: 4 }).map(String);
const broken = fc.constantFrom('no', ...new Array<undefined>(6).fill(undefined));
const resources: Readonly<Record<Kind, fc.Arbitrary<FakeResource>>> = {
  cluster: fc
    .record({ name, tag, broken, isEds: fc.boolean() })
    .map(({ isEds, ...rest }) => plain({ ...rest, ...(isEds ? { endpoints: [rest.name] } : {}) })),
  endpoint: fc.record({ name, tag, broken }).map(plain),
  listener: fc.record({ name, tag, broken, routes: names }).map(plain),
  route: fc.record({ name, tag, broken, clusters: names }).map(plain),
};

const update = (kind: Kind): fc.Arbitrary<Step> =>
  fc
    .record({ upserts: fc.uniqueArray(resources[kind], { maxLength: 3, selector: (resource) => resource.name }), removed: names })
    .map(({ upserts, removed }) => {
      const taken = new Set(upserts.map((resource) => resource.name));
      return { do: 'apply', kind, upserts, removed: removed.filter((gone) => !taken.has(gone)) };
    });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: update('cluster') },
  { weight: 3, arbitrary: update('endpoint') },
  { weight: 2, arbitrary: update('listener') },
  { weight: 3, arbitrary: update('route') },
  { weight: 1, arbitrary: fc.constantFrom(1_000, 15_000, 31_000).map((ms): Step => ({ do: 'wait', ms })) },
);

t.test('the active configuration is closed under references, or the last good one', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { runtime, clock } = fakeDataPlane();
      const good: Readonly<Record<Kind, Map<string, FakeResource>>> = {
        cluster: new Map(),
        endpoint: new Map(),
        listener: new Map(),
        route: new Map(),
      };
      await runtime.start();
      for (const each of steps) {
        const before = runtime.config.value;
        await perform(runtime, clock, each, good);
        assertClosed(runtime, before, each.do === 'wait' ? each.ms : 0);
      }
      await clock.advance(31_000);
      await clock.advance(31_000);
      assertArrived(runtime, good);
      runtime.stop();
    }),
    { numRuns: 1000 },
  );
  t.pass('1000 random histories');
});

async function perform(
  runtime: FakeRuntime,
  clock: FakeClock,
  each: Step,
  good: Readonly<Record<Kind, Map<string, FakeResource>>>,
): Promise<void> {
  if (each.do === 'wait') return clock.advance(each.ms);
  const needed = runtime.interests.value;
  const update = fakeUpdate(each.kind, each.upserts, each.removed);
  const interest = needed.get(update.typeUrl);
  const wanted = (resource: FakeResource): boolean => interest?.kind !== 'names' || interest.names.has(resource.name);
  const failures = await runtime.apply(update);
  const refused = each.upserts.filter((resource) => resource.broken !== undefined && wanted(resource)).map((resource) => resource.name);
  assertEqual(
    failures.map((failure) => failure.name),
    refused,
    'refused',
  );
  for (const resource of each.upserts) if (resource.broken === undefined && wanted(resource)) good[each.kind].set(resource.name, resource);
  // Endpoints and routes are forgotten with what needs them, not by removal.
  if (each.kind === 'cluster' || each.kind === 'listener') for (const gone of each.removed) good[each.kind].delete(gone);
}

function assertClosed(runtime: FakeRuntime, before: Config, waitedMs: number): void {
  const { clusters, routes } = runtime.config.value;
  const entries = new Map(runtime.resources().clusters.map((entry) => [entry.name, entry]));
  for (const [clusterName, cluster] of clusters) {
    assert(cluster.calls[0] === 'start' && !cluster.calls.includes('retire'), `cluster ${clusterName} runs`);
    const isReady = cluster.resource.endpoints === undefined || cluster.calls.length > 1;
    assert(isReady, `cluster ${clusterName} has endpoints or goes on without`);
  }
  for (const [routeName, route] of routes) {
    for (const clusterName of route.resource.clusters ?? []) {
      const entry = entries.get(clusterName);
      const isWarming = entry !== undefined && entry.active === null && entry.warming !== null;
      if (before.routes.get(routeName) !== route) assert(!isWarming, `route ${routeName} waited for cluster ${clusterName}`);
      if (waitedMs === 0 && before.clusters.has(clusterName))
        assert(clusters.has(clusterName), `cluster ${clusterName} stays for route ${routeName}`);
    }
  }
}

/** Once every time-out is over, what is good and wanted serves and nothing else does. */
function assertArrived(runtime: FakeRuntime, good: Readonly<Record<Kind, ReadonlyMap<string, FakeResource>>>): void {
  const { clusters, routes } = runtime.config.value;
  assertEqual(tagsOf([...clusters.values()].map(({ resource }) => resource)), tagsOf([...good.cluster.values()]), 'clusters');
  const serving = runtime.resources().listeners.flatMap(({ active }) => (active ? [(active.compiled as FakeCompiled).resource] : []));
  assertEqual(tagsOf(serving), tagsOf([...good.listener.values()]), 'listeners');
  const neededRoutes = new Set(serving.flatMap((listener) => listener.routes ?? []));
  for (const routeName of routes.keys()) assert(neededRoutes.has(routeName), `route ${routeName} is needed`);
  for (const [routeName, { resource }] of routes) assertEqual([resource.tag], [good.route.get(routeName)?.tag], `route ${routeName}`);
  assertEqual(runtime.waiting(), [], 'nothing waits');
  assertEqual([runtime.phase.value], ['live'], 'live');
}

function plain(resource: Record<string, unknown>): FakeResource {
  return JSON.parse(JSON.stringify(resource)) as FakeResource;
}

function tagsOf(list: readonly FakeResource[]): string[] {
  return list.map((resource) => `${resource.name}#${resource.tag}`).sort();
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
}

function assertEqual(got: readonly unknown[], wanted: readonly unknown[], what: string): void {
  assert(JSON.stringify(got) === JSON.stringify(wanted), `${what} are ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`);
}
