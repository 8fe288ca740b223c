import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { MetricRegistry } from '../../src/telemetry/index.ts';
import { createXdsServer, type XdsServer } from '../../src/xds/server/index.ts';
import type { ClientTypeStatus } from '../../src/xds/server/types.ts';
import { type EncodedResource, type Snapshot, TYPE_URLS, type TypeUrl } from '../../src/xds/types.ts';
import { type EnvoyProcess, envoySkip, startEnvoy } from '../support/envoy.ts';
import { adsBootstrap, clusterResource, endpointResource, listenerResource, routeResource } from '../support/envoy-resources.ts';
import { FakeSource } from '../support/fake-source.ts';
import { type LogLine, LogRecorder } from '../support/recording-logger.ts';
import { resourceSet } from '../support/snapshots.ts';

t.setTimeout(120_000);

interface Resources {
  readonly clusters: readonly EncodedResource[];
  readonly endpoints: readonly EncodedResource[];
  readonly listeners: readonly EncodedResource[];
  readonly routes: readonly EncodedResource[];
}

function snapshot({ clusters, endpoints, listeners, routes }: Resources): Snapshot {
  const types = new Map([
    [TYPE_URLS.cluster, resourceSet(clusters)],
    [TYPE_URLS.endpoint, resourceSet(endpoints)],
    [TYPE_URLS.listener, resourceSet(listeners)],
    [TYPE_URLS.route, resourceSet(routes)],
  ]);
  return { version: [...types.values()].map((set) => set.version).join(';'), types };
}

/** A backend that answers with its name. */
async function backend(t: Test, name: string): Promise<number> {
  const server: Server = createServer((_request, response) => response.end(name));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

class World {
  readonly source = new FakeSource();
  readonly log = new LogRecorder();
  server: XdsServer;

  constructor(port = 0) {
    this.server = this.#create(port);
  }

  #create(port: number): XdsServer {
    const listen = { host: '127.0.0.1', port };
    return createXdsServer({ source: this.source, listen, clock: systemClock, logger: this.log.logger, metrics: new MetricRegistry() });
  }

  /** The same resources from a server that remembers nothing. */
  async restart(): Promise<void> {
    const port = Number(this.server.address.split(':')[1]);
    await this.server.stop();
    this.server = this.#create(port);
    await this.server.start();
  }

  /** Publishes and resolves when Envoy has accepted the newest version of every type that it wants. */
  async publish(next: Snapshot): Promise<void> {
    this.source.snapshot.set(next);
    await this.log.until(() => {
      const types = this.server.clients()[0]?.types ?? [];
      return types.length === 4 && types.every((type) => type.acked === next.types.get(type.type)?.version && type.nacked === null);
    });
  }

  /** How the one client stands with one type. */
  status(type: TypeUrl): ClientTypeStatus | undefined {
    return this.server.clients()[0]?.types.find((status) => status.type === type);
  }
}

function is({ event, fields: { type } }: LogLine, expected: string, typeUrl: TypeUrl): boolean {
  return event === expected && type === typeUrl;
}

async function get(envoy: EnvoyProcess, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${await envoy.listenerPort('in')}${path}`, { headers: { connection: 'close' } });
  return response.ok ? response.text() : String(response.status);
}

for (const delta of [false, true]) {
  t.test(`Envoy over ${delta ? 'delta' : 'state of the world'}`, { skip: envoySkip }, async (t) => {
    const [one, two] = [await backend(t, 'one'), await backend(t, 'two')];
    const world = new World();
    await world.server.start();
    t.teardown(() => world.server.stop());
    const envoy = await startEnvoy(adsBootstrap({ node: 'e1', cluster: 'ring/egress', xds: world.server.address, delta }));
    t.teardown(() => envoy.stop());
    const first: Resources = {
      clusters: [clusterResource('a')],
      endpoints: [endpointResource('a', [one])],
      listeners: [listenerResource('in', 'routes')],
      routes: [routeResource('routes', ['a'])],
    };

    await t.test('takes clusters, endpoints, listeners and routes, and serves', async (t) => {
      await world.publish(snapshot(first));
      await envoy.waitReady();
      t.equal(await get(envoy, '/a'), 'one');
      t.match(world.server.clients(), [{ node: 'e1', cluster: 'ring/egress', userAgent: 'envoy/1.40.0' }]);
      t.match(await envoy.admin('/stats?filter=control_plane.identifier'), /control_plane\.identifier: "ringway"/);
    });

    await t.test('takes new endpoints', async (t) => {
      await world.publish(snapshot({ ...first, endpoints: [endpointResource('a', [two])] }));
      t.equal(await get(envoy, '/a'), 'two');
    });

    await t.test('takes an added member: cluster, endpoints, then the route', async (t) => {
      const added: Resources = {
        ...first,
        clusters: [clusterResource('a'), clusterResource('b')],
        endpoints: [endpointResource('a', [one]), endpointResource('b', [two])],
        routes: [routeResource('routes', ['a', 'b'])],
      };
      const from = world.log.lines.length;
      await world.publish(snapshot(added));
      t.equal(await get(envoy, '/a'), 'one');
      t.equal(await get(envoy, '/b'), 'two');
      const order = world.log.lines.slice(from).filter((line) => line.event === 'xds.push' || line.event === 'xds.ack');
      const at = (event: string, type: string): number => order.findIndex((line) => is(line, event, type));
      t.ok(at('xds.push', TYPE_URLS.cluster) < at('xds.push', TYPE_URLS.endpoint));
      t.ok(at('xds.ack', TYPE_URLS.cluster) < at('xds.push', TYPE_URLS.route), 'a route only when its cluster is accepted');
      t.ok(at('xds.ack', TYPE_URLS.endpoint) < at('xds.push', TYPE_URLS.route));
    });

    await t.test('rule 51: a changed cluster is warm at once, as its endpoints come again unasked', async (t) => {
      const added = world.source.snapshot.value as Snapshot;
      const changed: Snapshot = {
        version: 'changed',
        types: new Map(added.types).set(TYPE_URLS.cluster, resourceSet([clusterResource('a', 2_000), clusterResource('b')])),
      };
      await world.publish(changed);
      await envoy.waitStats(
        (stats) => stats.get('cluster_manager.warming_clusters') === 0 && stats.get('cluster_manager.cluster_modified') === 1,
      );
      t.same(world.log.of('xds.overdue'), [], 'no answer was late: Envoy withholds it while a cluster warms');
      t.equal((await envoy.stats('init_fetch_timeout')).get('cluster.a.init_fetch_timeout') ?? 0, 0);
      t.equal(await get(envoy, '/a'), 'one');
    });

    await t.test('loses a removed member: the route first, the cluster last', async (t) => {
      const from = world.log.lines.length;
      await world.publish(snapshot(first));
      await envoy.waitStats((stats) => stats.get('cluster_manager.active_clusters') === 2);
      t.equal(await get(envoy, '/a'), 'one');
      t.equal(await get(envoy, '/b'), '404');
      const lines = world.log.lines.slice(from);
      const routeAcked = lines.findIndex((line) => is(line, 'xds.ack', TYPE_URLS.route));
      const lastCluster = lines.findLastIndex((line) => is(line, 'xds.push', TYPE_URLS.cluster));
      t.ok(routeAcked < lastCluster);
    });

    await t.test('a refused listener is recorded, what is good goes on, a fix is taken', async (t) => {
      const bad = snapshot({ ...first, listeners: [listenerResource('in', 'routes'), listenerResource('bad', null)] });
      world.source.snapshot.set(bad);
      const nack = await world.log.first('xds.nack');
      t.match(nack.fields, {
        node: 'e1',
        type: TYPE_URLS.listener,
        version: bad.types.get(TYPE_URLS.listener)?.version,
        code: 13,
        reason: /bad.*no filter chains specified/,
      });
      t.match(world.status(TYPE_URLS.listener)?.nacked, { message: /no filter chains specified/ });
      t.equal(await get(envoy, '/a'), 'one');
      await world.publish(snapshot(first));
      t.equal(world.status(TYPE_URLS.listener)?.nacked, null);
      t.equal(world.log.of('xds.nack').length, 1, 'it was not sent again');
    });

    await t.test(`a server that restarts with the same versions sends ${delta ? 'nothing' : 'what changes nothing'}`, async (t) => {
      const before = await envoy.stats('update_success|config_reload$');
      const from = world.log.lines.length;
      await world.restart();
      await world.log.until(() => world.server.clients()[0]?.types.length === 4);
      const pushes = (): unknown[] => world.log.lines.slice(from).filter((line) => line.event === 'xds.push');
      if (delta) {
        t.same(
          world.server.clients()[0]?.types.map((type) => type.sent),
          ['', '', '', ''],
        );
        t.same(pushes(), []);
        t.same(await envoy.stats('update_success|config_reload$'), before);
      } else await world.publish(snapshot(first));
      t.equal(await get(envoy, '/a'), 'one');
      const next = snapshot({ ...first, endpoints: [endpointResource('a', [two])] });
      world.source.snapshot.set(next);
      await world.log.until(() => world.status(TYPE_URLS.endpoint)?.acked === next.types.get(TYPE_URLS.endpoint)?.version);
      t.equal(await get(envoy, '/a'), 'two', 'and goes on from there');
    });
  });
}
