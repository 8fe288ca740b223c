// 70: what a control server may send that must not take the proxy down.
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { createXdsServer } from '../../src/xds/server/index.ts';
import { TYPE_URLS } from '../../src/xds/types.ts';
import { FakeSource } from '../support/fake-source.ts';
import { createCaller, startBackend } from '../support/grpc-backend.ts';
import { adsBootstrap, assignmentYaml, clusterYaml, listenerYaml, routesYaml, startSidecar, yamlSnapshot } from '../support/sidecar.ts';
import { encodedResource, resourceSet } from '../support/snapshots.ts';

t.test('70: poison is refused by name, and what was good goes on', async (t) => {
  const backend = await startBackend('one');
  const good = {
    cluster: { a: clusterYaml('a') },
    endpoint: { a: assignmentYaml('a', backend.address) },
    listener: { out: listenerYaml('out', 0, { rds: 'r' }) },
    route: { r: routesYaml('r', 'a') },
  };
  const source = new FakeSource(yamlSnapshot(good));
  const listen = { host: '127.0.0.1', port: 0 };
  const control = createXdsServer({ source, listen, clock: systemClock, logger: silentLogger, metrics: new MetricRegistry() });
  await control.start();
  const sidecar = await startSidecar(adsBootstrap(control.address));
  await sidecar.until('/ready', (body) => body === 'LIVE\n');
  const target = sidecar.listener('out');
  const serves = async (): Promise<string> => {
    const caller = createCaller(target);
    const { member } = await caller.call('any', '/x.Y/Z');
    await caller.close();
    return member;
  };
  const rejected = (stat: string, count: number): Promise<string> =>
    sidecar.until(`/stats?filter=${stat}`, (body) => body.includes(`${stat}: ${count}\n`));
  t.equal(await serves(), 'one');

  const cyclic =
    '{ name: a, cluster_type: { name: envoy.clusters.aggregate, typed_config: { "@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [a] } }, lb_policy: CLUSTER_PROVIDED }';
  source.snapshot.set(yamlSnapshot({ ...good, cluster: { a: cyclic } }));
  await t.resolves(rejected('cluster_manager.cds.update_rejected', 1), 'a cluster of itself');
  t.equal(await serves(), 'one');

  const adminPort = Number(sidecar.role.addresses.admin?.split(':')[1]);
  source.snapshot.set(yamlSnapshot({ ...good, listener: { ...good.listener, admin: listenerYaml('admin', adminPort, { rds: 'r' }) } }));
  await t.resolves(rejected('listener_manager.lds.update_rejected', 1), 'a listener on the port of the admin pages');
  t.equal(await serves(), 'one');

  const regex =
    '{ name: r, virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { safe_regex: { regex: "(a+)+$" } }, route: { cluster: a } }] }] }';
  source.snapshot.set(yamlSnapshot({ ...good, route: { r: regex } }));
  const started = performance.now();
  const caller = createCaller(target);
  await caller.call('any', `/${'a'.repeat(60)}!`);
  await caller.close();
  t.ok(performance.now() - started < 5_000, 'a regex that explodes holds nobody up');

  const huge = encodedResource(TYPE_URLS.cluster, 'huge', '1', Buffer.alloc(100 << 20));
  source.snapshot.set({ version: 'huge', types: new Map([[TYPE_URLS.cluster, resourceSet([huge])]]) });
  await sidecar.log.first('xds.stream_closed');
  t.equal(await serves(), 'one', 'a response of 100 MiB');
  await sidecar.role.stop();
  await control.stop();
  await backend.kill();
});
