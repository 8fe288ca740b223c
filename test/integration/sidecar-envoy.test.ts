// The same bootstrap, real Envoy and our sidecar: what tools read of the two must be the same.
import t from 'tap';
import { envoySkip, startEnvoy } from '../support/envoy.ts';
import { createCaller, startBackend } from '../support/grpc-backend.ts';
import { clusterYaml, listenerYaml, startSidecar } from '../support/sidecar.ts';

t.test('admin pages after the same traffic', { skip: envoySkip }, async (t) => {
  const backend = await startBackend('one');
  const clusters = `${clusterYaml('a', backend.address)}, { name: empty }`;
  const statics = `node: { id: test, cluster: ring/view }\nstatic_resources: { listeners: [${listenerYaml('in', 0, { cluster: 'a' })}], clusters: [${clusters}] }`;
  const envoy = await startEnvoy(statics);
  t.teardown(() => envoy.stop());
  await envoy.waitReady();
  const sidecar = await startSidecar(`${statics}\nadmin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }`);
  const ports = [await envoy.listenerPort('in'), Number(sidecar.listener('in').split(':')[1])];
  for (const port of ports) {
    const caller = createCaller(`127.0.0.1:${port}`);
    for (const behaviour of ['ok', 'ok', 14] as const) {
      backend.behaviour = behaviour;
      await caller.call('any', '/x.Y/Z');
    }
    await caller.close();
  }
  const both = async (path: string): Promise<[string, string]> => [await envoy.admin(path), await sidecar.admin(path)];
  const sorted = (text: string): string[] => text.split('\n').sort();

  const [theirClusters, ourClusters] = await both('/clusters');
  t.strictSame(sorted(ourClusters), sorted(theirClusters), '/clusters');
  const [theirJson, ourJson] = (await both('/clusters?format=json')).map((text) => JSON.parse(text));
  const byName = (dump: { cluster_statuses: { name: string }[] }): unknown =>
    dump.cluster_statuses.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  t.strictSame(byName(ourJson), byName(theirJson), '/clusters?format=json');

  const withoutPort = (text: string): string =>
    text.replaceAll(/127\.0\.0\.1[:_]\d+/g, 'host:port').replaceAll(/"port_value": \d+/g, '"port_value": 0');
  for (const path of [
    '/ready',
    '/listeners',
    '/listeners?format=json',
    '/init_dump',
    '/certs',
    '/config_dump?resource=nope',
    '/config_dump?mask=nosuch',
    '/config_dump?resource=bootstrap',
    '/quitquitquit',
  ]) {
    const [theirs, ours] = await both(path);
    t.equal(withoutPort(ours), withoutPort(theirs), path);
  }
  for (const path of [
    '/runtime', // Envoy's keys are in no order here
    '/config_dump?resource=static_clusters',
    '/config_dump?resource=static_listeners',
    '/config_dump?resource=static_route_configs',
  ]) {
    const [theirs, ours] = (await both(path)).map((text) => JSON.parse(text.replaceAll(/"last_updated": "[^"]*"/g, '"last_updated": ""')));
    t.strictSame(ours, theirs, path);
  }
  const [theirInfo, ourInfo] = (await both('/server_info')).map((text) => JSON.parse(text) as object);
  const known = new Set(Object.keys(ourInfo ?? {}));
  t.strictSame(
    Object.keys(theirInfo ?? {}).filter((name) => !known.has(name)),
    [],
    'keys of /server_info',
  );

  await t.test('stats of the same name have the same value', async (t) => {
    const read = (text: string): Map<string, string> =>
      new Map(
        withoutPort(text)
          .split('\n')
          .map((line) => line.split(': ') as [string, string]),
      );
    const filter =
      '/stats?type=Counters&filter=^(cluster\\.a\\.(upstream_rq|upstream_cx_total|membership)|http\\.in\\.downstream_rq|cluster_manager\\.cluster_|listener_manager\\.listener_)';
    const [theirs, ours] = (await both(filter)).map(read);
    const different = [...(ours as Map<string, string>)].filter(([name, value]) => name !== '' && theirs?.get(name) !== value);
    t.strictSame(
      different.map(([name, value]) => `${name}: ${value}, envoy ${theirs?.get(name)}`),
      [],
    );
  });
  await sidecar.role.stop();
  await backend.kill();
});
