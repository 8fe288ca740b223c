import fc from 'fast-check';
import t from 'tap';
import { egressResources, MemberMemo, type Resources } from '../../src/control/snapshot/egress.ts';
import { assertReferences } from '../../src/control/snapshot/references.ts';
import { buildSnapshot } from '../../src/control/source.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type RingStage, type Stage } from '../../src/control/stage/types.ts';
import { HealthStatus } from '../../src/gen/envoy/config/core/v3/health_check.ts';
import type { ClusterLoadAssignment } from '../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import type { RouteAction } from '../../src/gen/envoy/config/route/v3/route_components.ts';
import type { MergedMember } from '../../src/membership/types.ts';
import { catalogOf, memberOf, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';

const { RINGWAY_SEED } = process.env;
const RING = 'live-store';
const PARAMETERS = { listen: '127.0.0.1:9096', zone: 'a' };

const member = fc
  .record({
    id: fc.constantFrom('s-0', 's-1', 's-2', 's-3', 's-4', 'S-0'),
    address: fc.constantFrom('10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1', 'store.example:1', 'STORE.example:1', 's-0:1', '[fd00::1]:1'),
    zone: fc.constantFrom('a', 'b', 'c', ''),
    partition: fc.constantFrom(0, 1, null),
    refused: fc.constantFrom(null, null, null, 'refused'),
    unhealthy: fc.constantFrom(null, null, null, 'state JOINING'),
  })
  .map(({ id, ...fields }) => memberOf(id, fields));
const members = fc.uniqueArray(member, { selector: ({ id }) => id, maxLength: 6 });
/** What the ring says, and how much later it says the next. */
const history = fc.array(fc.record({ members, waitMs: fc.constantFrom(0, 1_000, 29_999, 30_000, 60_000, 3_600_000) }), {
  minLength: 1,
  maxLength: 12,
});

/** Every stage the history leads to: one for each report, and one for each deadline between them. */
function stagesOf(steps: readonly { readonly members: readonly MergedMember[]; readonly waitMs: number }[]): RingStage[] {
  const stages: RingStage[] = [];
  let stage: Stage | null = null;
  let nowMs = NOW;
  for (const step of steps) {
    const catalog = catalogOf(1, ringOf(RING, step.members));
    const untilMs = nowMs + step.waitMs;
    for (;;) {
      stage = advanceStage(stage, catalog, nowMs, LINGER);
      stages.push(stage.rings.get(RING) as RingStage);
      if (stage.nextMs === null || stage.nextMs > untilMs) break;
      nowMs = stage.nextMs;
    }
    nowMs = untilMs;
  }
  return stages;
}

function check<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  const seed = Number(RINGWAY_SEED ?? Date.now() % 1_000_000_007);
  t.comment(`seed ${seed} (RINGWAY_SEED repeats it)`);
  fc.assert(fc.property(arbitrary, holds), { seed, numRuns: 300 });
}

function routedClusters({ routes }: Resources): Set<string> {
  return new Set(actionsOf(routes).map(({ clusterSpecifier }) => String(clusterSpecifier?.value)));
}

function actionsOf(routes: Resources['routes']): RouteAction[] {
  return routes.flatMap(({ virtualHosts }) =>
    virtualHosts.flatMap((host) => host.routes.flatMap(({ action }) => (action?.$case === 'route' ? [action.value] : []))),
  );
}

t.test('whatever the ring went through, every reference leads somewhere', async () => {
  check(history, (steps) => {
    for (const stage of stagesOf(steps)) assertReferences(egressResources(stage, PARAMETERS));
  });
});

t.test('a cluster goes only after the snapshot in which no route named it', async () => {
  check(history, (steps) => {
    let before: Resources | undefined;
    for (const stage of stagesOf(steps)) {
      const now = egressResources(stage, PARAMETERS);
      const clusters = new Set(now.clusters.map(({ name }) => name));
      for (const name of before ? routedClusters(before) : []) if (!clusters.has(name)) throw new Error(`${name} went with its route`);
      before = now;
    }
  });
});

t.test('a member that is in the ring and may be dialled has exactly its address, and its route', async () => {
  check(history, (steps) => {
    const stage = stagesOf(steps).at(-1) as RingStage;
    const hosts = egressResources(stage, PARAMETERS).routes.flatMap(({ virtualHosts }) => virtualHosts);
    for (const { id, address, phase } of stage.members) {
      const host = hosts.find(({ name }) => name === `${RING}/${id}`);
      if (phase.kind === 'present' && host?.domains[0] !== address.toLowerCase()) throw new Error(`${id} is not reached at ${address}`);
      if (phase.kind === 'unrouted' && host) throw new Error(`${id} is still routed`);
    }
  });
});

t.test('no more tries than owners that can be asked, and no hedge without one', async () => {
  check(members, (all) => {
    const [stage] = stagesOf([{ members: all, waitMs: 0 }]);
    const { clusters, endpoints, routes } = egressResources(stage as RingStage, PARAMETERS);
    const loads = new Map<string, ClusterLoadAssignment | undefined>(clusters.map(({ name, loadAssignment }) => [name, loadAssignment]));
    for (const load of endpoints) loads.set(load.clusterName, load);
    for (const { clusterSpecifier, retryPolicy, hedgePolicy } of actionsOf(routes)) {
      const load = loads.get(String(clusterSpecifier?.value));
      const askable =
        load?.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints).filter(({ healthStatus }) => healthStatus === HealthStatus.HEALTHY)
          .length ?? 0;
      const retries = retryPolicy?.numRetries ?? 0;
      if (retries !== Math.max(0, askable - 1)) throw new Error(`${retries} retries for ${askable} owners`);
      if (hedgePolicy && retries === 0) throw new Error('a hedge with nobody to send it to');
    }
  });
});

t.test('the same ring gives the same bytes in whatever order its members come', async () => {
  check(fc.tuple(history, fc.integer()), ([steps, salt]) => {
    const shuffled = steps.map(({ members: all, waitMs }) => ({
      waitMs,
      members: all.toSorted((a, b) => ((a.id.charCodeAt(2) * 31 + salt) % 7) - ((b.id.charCodeAt(2) * 31 + salt) % 7)),
    }));
    const [one, other] = [stagesOf(steps), stagesOf(shuffled)].map((stages) => buildSnapshot(stages.at(-1) as RingStage, PARAMETERS));
    const bytesOf = (snapshot: typeof one): string[] =>
      [...(snapshot?.types.values() ?? [])].flatMap(({ resources }) =>
        [...resources.values()].map(({ name, version, any }) => `${name} ${version} ${Buffer.from(any).toString('base64')}`),
      );
    if (one?.version !== other?.version || bytesOf(one).join() !== bytesOf(other).join()) throw new Error('different bytes');
  });
});

t.test('what is kept from stage to stage gives the bytes that making everything anew gives', async () => {
  check(history, (steps) => {
    const memo = new MemberMemo();
    for (const stage of stagesOf(steps)) {
      const afresh = buildSnapshot({ ...stage, members: structuredClone(stage.members) }, PARAMETERS);
      const kept = buildSnapshot(stage, PARAMETERS, memo);
      if (kept.version !== afresh.version) throw new Error(`${kept.version} instead of ${afresh.version}`);
    }
  });
});

t.test('a member never answers for a partition that it does not own any more', async () => {
  check(history, (steps) => {
    const ownedAt = new Map<string, Map<string, number | null>>();
    for (const stage of stagesOf(steps)) {
      const { clusters, endpoints, routes } = egressResources(stage, PARAMETERS);
      const partitionOf = new Map(stage.members.map(({ id, partition }) => [id, partition]));
      const idOf = (metadata: { readonly filterMetadata: ReadonlyMap<string, unknown> } | undefined): string =>
        String((metadata?.filterMetadata.get('ringway') as { readonly member: string } | undefined)?.member);
      const loads = [...endpoints, ...clusters.flatMap(({ loadAssignment }) => loadAssignment ?? [])];
      for (const { clusterName, endpoints: localities } of loads) {
        const partition = partitionOf.get(clusterName.slice(RING.length + 1));
        for (const { metadata } of localities.flatMap(({ lbEndpoints }) => lbEndpoints))
          if (partitionOf.get(idOf(metadata)) !== partition)
            throw new Error(`${idOf(metadata)} serves partition ${partition} in ${clusterName}`);
      }
      for (const { id, address, partition, phase } of stage.members)
        if (phase.kind === 'present') ownedAt.set(id, (ownedAt.get(id) ?? new Map()).set(address.toLowerCase(), partition));
      for (const host of routes.flatMap(({ virtualHosts }) => virtualHosts)) {
        const id = host.name.slice(RING.length + 1);
        for (const domain of host.domains) {
          const then = ownedAt.get(id)?.get(domain);
          if (then !== undefined && then !== partitionOf.get(id)) throw new Error(`${domain} was ${id} for partition ${then}`);
        }
      }
    }
  });
});
