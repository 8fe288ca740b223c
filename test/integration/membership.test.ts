import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/index.ts';
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { decodeInstanceRing, encodeInstanceRing, type Instance } from '../../src/membership/dskit/index.ts';
import { MembershipHub } from '../../src/membership/index.ts';
import { createSources } from '../../src/membership/sources/index.ts';
import type { Catalog, Ring } from '../../src/membership/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { recordedRing } from '../support/recorded-rings.ts';
import { sourceDeps } from '../support/source-deps.ts';
import {
  bytesPage,
  INSTANCES_PATH,
  memberlistPages,
  PARTITIONS_PATH,
  startTempoServer,
  type TempoServer,
} from '../support/tempo-server.ts';

/** A hub as the control role builds it from ringway.yaml, on the machine's own clock. */
async function startHub(t: Test, directory: string) {
  const config = await loadConfig(join(directory, 'ringway.yaml'));
  const deps = { ...sourceDeps(systemClock), random: systemRandom };
  const rings = [...config.rings].map(([name, ring]) => ({ name, sources: createSources(name, ring.sources, deps), config: ring }));
  const hub = new MembershipHub(rings, { clock: systemClock, logger: silentLogger, metrics: new MetricRegistry() });
  await hub.start();
  t.teardown(() => hub.stop());
  const until = (wanted: (ring: Ring, catalog: Catalog) => boolean): Promise<Ring> =>
    new Promise((resolve) => {
      const look = (catalog: Catalog): void => {
        const ring = catalog.rings.get('live-store');
        if (!ring || !wanted(ring, catalog)) return;
        stop();
        resolve(ring);
      };
      const stop = hub.catalog.subscribe(look);
      look(hub.catalog.value);
    });
  return { hub, until };
}

const yaml = ({ url }: TempoServer): string => `
rings:
  live-store:
    sources:
      - tempo: { urls: ["${url}"], every: 100ms, timeout: 1s }
      - static: { file: members.yaml }
    allowedAddresses: ["127.0.0.0/8", "10.0.0.0/8"]
`;

const idsOf = (ring: Ring): readonly string[] => ring.members.map(({ id }) => id);
const sourceOf = (ring: Ring, name: string) => ring.sources.find((source) => source.name === name);

t.test('a ring through its bad days: whatever its sources say, the last good state is kept', async (t) => {
  const server = await startTempoServer(t, {});
  const directory = t.testdir({ 'ringway.yaml': yaml(server), 'members.yaml': '- { id: x-0, adress: "10.0.0.1:9096" }\n' });
  const { until } = await startHub(t, directory);

  const down = await until(({ sources }) => sources.every(({ error }) => error !== null));
  t.match(sourceOf(down, 'tempo')?.error, /: has no ring: \/memberlist answered 404 /, 'a source that is down at the start');
  t.match(sourceOf(down, 'static')?.error, /members\.yaml:1: \[0\]\.address: missing, allowed: host:port/, 'an unknown key');
  t.strictSame(idsOf(down), []);

  server.pages = memberlistPages();
  const up = await until(({ members }) => members.length === 4);
  t.strictSame(up.partitions, [
    { id: 0, state: 'ACTIVE', owners: ['live-store-zone-a-0', 'live-store-zone-b-0'] },
    { id: 1, state: 'ACTIVE', owners: ['live-store-zone-a-1', 'live-store-zone-b-1'] },
  ]);
  t.ok(up.members.every(({ refused, decidedBy }) => refused === null && decidedBy === 'tempo'));

  const { instanceBytes } = recordedRing('running');
  const partitions = memberlistPages()[PARTITIONS_PATH];
  const bad = {
    'an HTML page': { type: 'text/html', body: '<html>' },
    garbage: bytesPage(Uint8Array.of(3, 8, 9, 9, 9)),
    'truncated snappy': bytesPage(instanceBytes.subarray(0, 60)),
  };
  for (const [name, page] of Object.entries(bad)) {
    const before = sourceOf(await until(() => true), 'tempo')?.error;
    server.pages = { [INSTANCES_PATH]: page, ...(partitions ? { [PARTITIONS_PATH]: partitions } : {}) };
    const ring = await until((now) => sourceOf(now, 'tempo')?.ok === false && sourceOf(now, 'tempo')?.error !== before);
    t.equal(ring.members.length, 4, name);
    t.match(sourceOf(ring, 'tempo')?.error, `${server.url}${INSTANCES_PATH}`, name);
  }

  server.pages = { [INSTANCES_PATH]: bytesPage(encodeInstanceRing(new Map())), [PARTITIONS_PATH]: bytesPage(Uint8Array.of(0)) };
  const guarded = await until(({ emptyGuard }) => emptyGuard);
  t.equal(guarded.members.length, 4, 'an empty ring after a full one');
  t.strictSame(sourceOf(guarded, 'tempo')?.ok, true);
});

t.test('members nobody may dial are in the ring, refused by name; a file adds its own', async (t) => {
  const instances = decodeInstanceRing(recordedRing('running').instanceBytes);
  const [first, second, third, fourth] = [...instances.values()].sort((a, b) => (a.id < b.id ? -1 : 1)) as [
    Instance,
    Instance,
    Instance,
    Instance,
  ];
  const ring = [
    { ...first, address: '[::]:9095' },
    { ...second, registeredMs: (second.registeredMs ?? 0) + 1000 },
    { ...third, address: second.address },
    { ...fourth, address: '192.0.2.1:9096' },
  ];
  const server = await startTempoServer(t, {
    ...memberlistPages(),
    [INSTANCES_PATH]: bytesPage(encodeInstanceRing(new Map(ring.map((instance) => [instance.id, instance])))),
  });
  const directory = t.testdir({ 'ringway.yaml': yaml(server), 'members.yaml': '[]' });
  const { until } = await startHub(t, directory);
  const refusals = Object.fromEntries((await until(({ members }) => members.length === 4)).members.map(({ id, refused }) => [id, refused]));
  t.strictSame(refusals, {
    'live-store-zone-a-0': 'address "[::]:9095" is the unspecified address',
    'live-store-zone-a-1': null,
    'live-store-zone-b-0': 'address "127.0.0.13:9196" is also claimed by live-store-zone-a-1, which keeps it',
    'live-store-zone-b-1': 'address "192.0.2.1:9096" is not in allowedAddresses',
  });

  writeFileSync(join(directory, 'members.yaml'), '- { id: live-store-zone-c-1, address: "10.0.0.9:9096", zone: zone-c, partition: 1 }\n');
  const grown = await until(({ members }) => members.length === 5);
  t.match(grown.members[4], { id: 'live-store-zone-c-1', decidedBy: 'static', unhealthy: null, heartbeatMs: null, partition: 1 });
  t.strictSame(grown.partitions[1]?.owners, ['live-store-zone-a-1', 'live-store-zone-b-1', 'live-store-zone-c-1']);
  writeFileSync(join(directory, 'members.yaml'), '- {');
  const kept = await until((now) => sourceOf(now, 'static')?.ok === false);
  t.equal(kept.members.length, 5, 'bad YAML');
});
