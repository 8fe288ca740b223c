// The sidecar in this process, our own control server's xDS half, real sockets.
import { once } from 'node:events';
import { connect } from 'node:http2';
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { createXdsServer, type XdsServer } from '../../src/xds/server/index.ts';
import { FakeSource } from '../support/fake-source.ts';
import { createCaller, startBackend } from '../support/grpc-backend.ts';
import { freePort } from '../support/ports.ts';
import { adsBootstrap, assignmentYaml, clusterYaml, listenerYaml, routesYaml, startSidecar, yamlSnapshot } from '../support/sidecar.ts';

async function startControl(source: FakeSource, port = 0): Promise<XdsServer> {
  const listen = { host: '127.0.0.1', port };
  const server = createXdsServer({ source, listen, clock: systemClock, logger: silentLogger, metrics: new MetricRegistry() });
  await server.start();
  return server;
}

/** One call through the sidecar: who answered, or the status. */
async function ask(target: string): Promise<string> {
  const caller = createCaller(target);
  const { status, member, message } = await caller.call('any', '/x.Y/Z');
  await caller.close();
  return status === 0 ? member : `${status} ${message}`;
}

const isLive = (body: string): boolean => body === 'LIVE\n';

for (const apiType of ['DELTA_GRPC', 'GRPC']) {
  t.test(`${apiType}: clusters, endpoints, listeners and routes come from control; changes are followed`, async (t) => {
    const [one, two] = [await startBackend('one'), await startBackend('two')];
    const listener = listenerYaml('out', 0, { rds: 'r' });
    const first = {
      cluster: { a: clusterYaml('a') },
      endpoint: { a: assignmentYaml('a', one.address) },
      listener: { out: listener },
      route: { r: routesYaml('r', 'a') },
    };
    const source = new FakeSource(yamlSnapshot(first));
    const control = await startControl(source);
    const sidecar = await startSidecar(adsBootstrap(control.address, { apiType }));
    await sidecar.until('/ready', isLive);
    t.equal(await ask(sidecar.listener('out')), 'one');

    source.snapshot.set(yamlSnapshot({ ...first, endpoint: { a: assignmentYaml('a', two.address) } }));
    await sidecar.until('/clusters', (body) => body.includes(two.address));
    t.equal(await ask(sidecar.listener('out')), 'two', 'new endpoints of the same cluster');

    source.snapshot.set(
      yamlSnapshot({
        ...first,
        cluster: { b: clusterYaml('b') },
        endpoint: { b: assignmentYaml('b', one.address) },
        route: { r: routesYaml('r', 'b') },
      }),
    );
    await sidecar.until('/clusters', (body) => !body.includes('a::observability_name::a'));
    t.equal(await ask(sidecar.listener('out')), 'one', 'a route that moved to another cluster');

    const stats = await sidecar.admin('/stats?filter=^(cluster_manager|listener_manager|control_plane|server\\.(state|live))');
    for (const line of [
      'control_plane.connected_state: 1',
      'control_plane.identifier: "ringway"',
      'listener_manager.workers_started: 1',
      'server.state: 0',
      'server.live: 1',
      'cluster_manager.active_clusters: 2',
    ])
      t.ok(stats.includes(`${line}\n`), line);
    t.match(await sidecar.admin('/config_dump?resource=dynamic_route_configs'), /"name": "r"/);
    await sidecar.role.stop();
    await control.stop();
    await Promise.all([one.kill(), two.kill()]);
  });
}

t.test('starts without control, serves what is static, and takes the rest when control appears', async (t) => {
  const backend = await startBackend('one');
  const xdsPort = await freePort();
  const statics = `  - ${clusterYaml('local', backend.address)}\n  listeners: [${listenerYaml('in', 0, { cluster: 'local' })}]\n`;
  const sidecar = await startSidecar(adsBootstrap(`127.0.0.1:${xdsPort}`, { statics }));
  t.equal(await ask(sidecar.listener('in')), 'one');
  t.equal(await sidecar.admin('/ready'), 'PRE_INITIALIZING\n');
  t.match(await sidecar.admin('/stats?filter=connected_state'), /connected_state: 0/);
  await sidecar.log.first('xds.stream_closed');

  const control = await startControl(
    new FakeSource(yamlSnapshot({ cluster: {}, listener: { out: listenerYaml('out', 0, { cluster: 'local' }) } })),
    xdsPort,
  );
  await sidecar.until('/ready', isLive);
  t.equal(await ask(sidecar.listener('out')), 'one');
  await sidecar.role.stop();
  await control.stop();
  await backend.kill();
});

t.test('a first wait that is over makes it live without control', async (t) => {
  const xdsPort = await freePort();
  const sidecar = await startSidecar(adsBootstrap(`127.0.0.1:${xdsPort}`, { fetchTimeout: '0.05s' }));
  await sidecar.until('/ready', isLive);
  t.match(
    await sidecar.admin('/stats?filter=init_fetch_timeout'),
    /cds\.init_fetch_timeout: 1\nlistener_manager\.lds\.init_fetch_timeout: 1/,
  );
  await sidecar.role.stop();
});

t.test('control is killed and comes back: what was accepted serves on, and changes are followed again', async (t) => {
  const [one, two] = [await startBackend('one'), await startBackend('two')];
  const listener = { out: listenerYaml('out', 0, { cluster: 'a' }) };
  const source = new FakeSource(
    yamlSnapshot({ cluster: { a: clusterYaml('a') }, endpoint: { a: assignmentYaml('a', one.address) }, listener }),
  );
  const port = await freePort();
  const control = await startControl(source, port);
  const sidecar = await startSidecar(adsBootstrap(control.address));
  await sidecar.until('/ready', isLive);
  const out = sidecar.listener('out');
  await control.stop();
  await sidecar.until('/stats?filter=connected_state', (body) => body.includes(': 0'));
  t.equal(await sidecar.admin('/ready'), 'LIVE\n');
  t.equal(await ask(out), 'one');

  source.snapshot.set(yamlSnapshot({ cluster: { a: clusterYaml('a') }, endpoint: { a: assignmentYaml('a', two.address) }, listener }));
  const again = await startControl(source, port);
  await sidecar.until('/clusters', (body) => body.includes(two.address));
  t.equal(await ask(out), 'two');
  t.equal(sidecar.listener('out'), out, 'the same listener');
  await sidecar.role.stop();
  await again.stop();
  await Promise.all([one.kill(), two.kill()]);
});

t.test('what is not supported is refused by name, and the last good one serves on', async (t) => {
  const backend = await startBackend('one');
  const taken = await freePort();
  const good = listenerYaml('out', 0, { cluster: 'a' });
  const endpoints = { cluster: { a: clusterYaml('a', backend.address) } };
  const source = new FakeSource(yamlSnapshot({ ...endpoints, listener: { out: good } }));
  const control = await startControl(source);
  const sidecar = await startSidecar(adsBootstrap(control.address));
  await sidecar.until('/ready', isLive);
  const out = sidecar.listener('out');

  const bad = good.replace('filter_chains:', 'udp_listener_config: {}, filter_chains:');
  const blocker = await startSidecar(`admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${taken} } } }`);
  source.snapshot.set(
    yamlSnapshot({
      ...endpoints,
      listener: { out: bad, late: listenerYaml('late', taken, { cluster: 'a' }), more: listenerYaml('more', 0, { cluster: 'a' }) },
    }),
  );
  const line = await sidecar.log.first('xds.nack');
  t.match(line.message, /^2 of 3 listeners refused: /);
  t.match(line.message, /out: udp_listener_config: is not supported/);
  t.match(line.message, new RegExp(`late: cannot bind '127.0.0.1:${taken}': Address already in use`));
  const nackOfListeners = (): string => control.clients()[0]?.types.find(({ type }) => type.endsWith('Listener'))?.nacked?.message ?? '';
  while (nackOfListeners() === '') await new Promise((resolve) => setImmediate(resolve));
  t.match(nackOfListeners(), /udp_listener_config/);
  t.equal(await ask(out), 'one');
  t.equal(await ask(sidecar.listener('more')), 'one', 'the good one of the same response serves');
  const dump = await sidecar.admin('/config_dump?resource=dynamic_listeners&mask=name,error_state.details');
  t.match(JSON.parse(dump), {
    configs: [{ name: 'out', error_state: { details: /udp_listener_config/ } }, { name: 'late' }, { name: 'more' }],
  });

  source.snapshot.set(yamlSnapshot({ ...endpoints, listener: { out: good } }));
  await sidecar.until('/config_dump', (body) => !body.includes('error_state'));
  t.equal(await ask(out), 'one');
  await Promise.all([sidecar.role.stop(), blocker.role.stop()]);
  await control.stop();
  await backend.kill();
});

t.test('a listener that changes on its address refuses nobody: old connections drain, new ones are the new one’s', async (t) => {
  const [one, two] = [await startBackend('one'), await startBackend('two')];
  const port = await freePort();
  const cluster = { a: clusterYaml('a', one.address), b: clusterYaml('b', two.address) };
  const source = new FakeSource(yamlSnapshot({ cluster, listener: { out: listenerYaml('out', port, { cluster: 'a' }) } }));
  const control = await startControl(source);
  const sidecar = await startSidecar(adsBootstrap(control.address));
  await sidecar.until('/ready', isLive);
  const out = `127.0.0.1:${port}`;
  t.equal(await ask(out), 'one');
  const old = connect(`http://${out}`);
  const isToldToGo = new Promise((resolve) => old.once('goaway', resolve));
  await once(old, 'remoteSettings');

  source.snapshot.set(yamlSnapshot({ cluster, listener: { out: listenerYaml('out', port, { cluster: 'b' }) } }));
  await sidecar.until('/stats?filter=listener_modified', (body) => body.includes(': 1'));
  t.equal(await ask(out), 'two');
  await isToldToGo;
  source.snapshot.set(yamlSnapshot({ cluster, listener: {} }));
  await sidecar.until('/listeners', (body) => body === '');
  t.match(await sidecar.admin('/stats?filter=listener_removed'), /: 1/);
  await sidecar.role.stop();
  await control.stop();
  await Promise.all([one.kill(), two.kill()]);
});

t.test('the saved state serves a start without control', async (t) => {
  const backend = await startBackend('one');
  const stateDir = t.testdir();
  const snapshot = yamlSnapshot({
    cluster: { a: clusterYaml('a') },
    endpoint: { a: assignmentYaml('a', backend.address) },
    listener: { out: listenerYaml('out', 0, { rds: 'r' }) },
    route: { r: routesYaml('r', 'a') },
  });
  const control = await startControl(new FakeSource(snapshot));
  const bootstrap = adsBootstrap(control.address);
  const before = await startSidecar(bootstrap, { stateDir });
  await before.until('/ready', isLive);
  await before.role.stop();
  await control.stop();

  const after = await startSidecar(bootstrap, { stateDir });
  await after.until('/ready', isLive);
  t.equal(await ask(after.listener('out')), 'one');
  t.equal(after.log.of('xds.state_served').length, 1);
  await after.role.stop();
  await backend.kill();
});
