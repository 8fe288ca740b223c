// `ringway sidecar --concurrency N`: N processes, one sidecar.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { createXdsServer } from '../../src/xds/server/index.ts';
import { FakeSource } from '../support/fake-source.ts';
import { createCaller, startBackend } from '../support/grpc-backend.ts';
import { createClient, until } from '../support/h2-peers.ts';
import { adsBootstrap, assignmentYaml, clusterYaml, listenerYaml, routesYaml, yamlSnapshot } from '../support/sidecar.ts';
import { askAll, bootstrap, callers, figure, refusals, startSidecarProcess } from '../support/sidecar-process.ts';

const skip = process.platform === 'linux' ? false : 'ports are shared this way on Linux';

t.test('connections are spread, figures are sums', { skip }, async (t) => {
  const backend = await startBackend('one');
  const sidecar = await startSidecarProcess(t, ['--config-yaml', bootstrap(backend.address), '--concurrency', '3', '-l', 'warning'], 2);
  const all = callers(sidecar, 60);
  for (let round = 0; round < 5; round += 1) t.strictSame(await askAll(all), new Set(['one']));

  const stats = await sidecar.stats('^(http\\.in|cluster\\.a|listener\\.|server\\.)');
  const own = [0, 1, 2].map((worker) => figure(stats, `.worker_${worker}.downstream_cx_total`));
  t.ok(
    own.every((count) => count > 0),
    `each process has some of the connections: ${own}`,
  );
  t.equal(
    own.reduce((sum, count) => sum + count, 0),
    60,
  );
  const active = [0, 1, 2].map((worker) => figure(stats, `.worker_${worker}.downstream_cx_active`));
  t.strictSame(active, own, 'gauges too');
  t.match(Object.fromEntries(stats), {
    'http.in.downstream_cx_total': 60,
    'http.in.downstream_cx_active': 60,
    'http.in.downstream_rq_total': 300,
    'http.in.downstream_rq_2xx': 300,
    'cluster.a.upstream_rq_total': 300,
    'cluster.a.upstream_rq_200': 300,
    'cluster.a.upstream_cx_active': 3,
    'cluster.a.membership_total': 1,
    'server.concurrency': 3,
    'server.total_connections': 60,
    'listener.127.0.0.1_0.downstream_cx_total': 60,
  });
  const prometheus = await sidecar.admin('/stats/prometheus');
  t.match(prometheus, /^envoy_http_downstream_rq_total\{envoy_http_conn_manager_prefix="in"\} 300$/m);
  t.match(prometheus, /^envoy_listener_worker_downstream_cx_total\{envoy_worker_id="2",envoy_listener_address="127.0.0.1_0"\} \d+$/m);
  t.match(prometheus, /^envoy_cluster_upstream_rq_time_count\{envoy_cluster_name="a"\} 300$/m, 'histograms too');
  t.match(prometheus, /^ringway_workers_serving\{\} 2$/m);
  const clusters = await sidecar.admin('/clusters');
  for (const line of ['rq_total::300', 'rq_success::300', 'cx_total::3', 'cx_active::3', 'rq_active::0'])
    t.ok(clusters.includes(`a::${backend.address}::${line}\n`), line);
  t.match(JSON.parse(await sidecar.admin('/server_info')), { command_line_options: { concurrency: 3 } });
  const { total_physical_bytes: rss } = JSON.parse(await sidecar.admin('/memory')) as { total_physical_bytes: string };
  t.ok(Number(rss) > 3 * 30e6, 'memory is that of all');

  t.equal(await sidecar.admin('/reset_counters', 'POST'), 'OK\n');
  t.equal((await sidecar.stats('rq_total')).get('http.in.downstream_rq_total'), 0);
  await askAll(all);
  t.equal((await sidecar.stats('rq_total')).get('http.in.downstream_rq_total'), 60);
  await Promise.all(all.map((caller) => caller.close()));
  await sidecar.until(
    () => sidecar.stats('_active'),
    (now) => figure(now, 'http.in.downstream_cx_active') === 0,
  );
  sidecar.child.kill('SIGTERM');
  t.equal(await sidecar.exit, 0);
  t.notMatch(sidecar.written.stderr, /"event"/, 'nothing to warn of');
  await backend.kill();
});

t.test('what control says reaches every process before it is told so', { skip }, async (t) => {
  const [one, two] = [await startBackend('one'), await startBackend('two')];
  const metrics = new MetricRegistry();
  const first = {
    cluster: { a: clusterYaml('a'), b: clusterYaml('b') },
    endpoint: { a: assignmentYaml('a', one.address), b: assignmentYaml('b', two.address) },
    listener: { out: listenerYaml('out', 0, { rds: 'r' }) },
    route: { r: routesYaml('r', 'a') },
  };
  const source = new FakeSource(yamlSnapshot(first));
  const listen = { host: '127.0.0.1', port: 0 };
  const control = createXdsServer({ source, listen, clock: systemClock, logger: silentLogger, metrics });
  await control.start();
  const acks = (type: string): number => {
    const series = [...metrics.all()].filter(({ id }) => id.name === 'ringway_xds_acks_total' && id.labels?.['type']?.endsWith(type));
    return series.reduce((sum, { metric }) => sum + ('value' in metric ? metric.value : 0), 0);
  };
  const sidecar = await startSidecarProcess(t, ['--config-yaml', adsBootstrap(control.address), '--concurrency', '2', '-l', 'warning'], 1);
  const address = (
    await sidecar.until(
      () => sidecar.admin('/listeners'),
      (text) => text.includes('out::'),
    )
  )
    .slice('out::'.length)
    .trim();
  await sidecar.until(
    () => sidecar.admin('/ready'),
    (text) => text === 'LIVE\n',
  );
  const all = Array.from({ length: 20 }, () => createCaller(address));
  t.strictSame(await askAll(all), new Set(['one']));

  for (const [cluster, member] of [
    ['b', 'two'],
    ['a', 'one'],
    ['b', 'two'],
  ] as const) {
    const before = acks('route') + acks('RouteConfiguration');
    source.snapshot.set(yamlSnapshot({ ...first, route: { r: routesYaml('r', cluster) } }));
    await until(() => acks('route') + acks('RouteConfiguration') > before);
    t.strictSame(await askAll(all), new Set([member]), 'no process serves the old route after the ACK');
    const fresh = Array.from({ length: 10 }, () => createCaller(address));
    t.strictSame(await askAll(fresh), new Set([member]), 'nor on new connections');
    await Promise.all(fresh.map((caller) => caller.close()));
  }

  // a listener in the place of another: the socket stays, in every process; the routes stay as they are, since they come after it
  const renamed = listenerYaml('out', 0, { rds: 'r' }).replace('stat_prefix: out', 'stat_prefix: again');
  source.snapshot.set(yamlSnapshot({ ...first, listener: { out: renamed }, route: { r: routesYaml('r', 'b') } }));
  await sidecar.until(
    () => sidecar.stats('listener_modified'),
    (stats) => figure(stats, 'listener_modified') === 1,
  );
  const after = Array.from({ length: 20 }, () => createCaller(address));
  t.strictSame(await askAll(after), new Set(['two']));
  const counted = await sidecar.stats('^http\\.again\\.downstream_(cx|rq)_total');
  t.strictSame([...counted.values()], [20, 20], 'every process has the new one');
  // those from before were told to go with their listener
  await Promise.all(after.map((caller) => caller.close()));

  // a listener that is gone is gone everywhere
  source.snapshot.set(yamlSnapshot({ ...first, listener: {} }));
  await sidecar.until(
    () => sidecar.admin('/listeners'),
    (text) => text === '',
  );
  await sidecar.until(
    () => refusals(address, 10),
    (refused) => refused === 10,
  );
  t.equal((await sidecar.stats('workers_refused')).get('ringway.workers_refused'), 0);
  sidecar.child.kill('SIGTERM');
  t.equal(await sidecar.exit, 0);
  await control.stop();
  await Promise.all([one.kill(), two.kill()]);
});

t.test('a port that somebody has is an error, also when he would share it; what cannot be is one line', { skip }, async (t) => {
  const blocker = createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true });
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const yaml = bootstrap('127.0.0.1:9', listenerYaml('in', port, { cluster: 'a' }));
  const taken = await startSidecarProcess(t, ['--config-yaml', yaml, '--concurrency', '2', '-l', 'off'], 1);
  t.equal(await taken.exit, 1);
  t.equal(
    taken.written.stderr,
    `ringway sidecar: error initializing configuration '--config-yaml': listener 'in': cannot bind '127.0.0.1:${port}': Address already in use\n`,
  );
  blocker.close();
  const many = await startSidecarProcess(t, ['--config-yaml', yaml, '--concurrency', '1000'], 0);
  t.equal(await many.exit, 1);
  t.match(many.written.stderr, /--concurrency: 1000 is too many; allowed: 1 to 256\n$/);
});

t.test('access logs: every line of every process, whole, in a file and on stdout', { skip }, async (t) => {
  const backend = await startBackend('one');
  const dir = t.testdir();
  const path = join(dir, 'access.log');
  const file = (to: string): string =>
    `{ name: f, typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: ${to}, log_format: { json_format: { id: "%REQ(X-ID)%", ua: "%REQ(USER-AGENT)%" } } } }`;
  const listener = listenerYaml('in', 0, { cluster: 'a' }).replace(
    'http_filters:',
    `access_log: [${file(path)}, ${file('/dev/stdout')}], http_filters:`,
  );
  const sidecar = await startSidecarProcess(
    t,
    ['--config-yaml', bootstrap(backend.address, listener), '--concurrency', '3', '-l', 'off'],
    2,
  );
  const clients = Array.from({ length: 30 }, () => createClient(sidecar.listener('in')));
  const ids = Array.from({ length: 1200 }, (_, i) => String(i));
  const agent = 'x'.repeat(700);
  await Promise.all(ids.map((id, i) => clients[i % clients.length]?.call({ headers: { 'x-id': id, 'user-agent': agent } })));
  await Promise.all(clients.map((client) => client.close()));
  sidecar.child.kill('SIGTERM');
  t.equal(await sidecar.exit, 0);
  for (const [where, text] of [
    ['file', await readFile(path, 'utf8')],
    ['stdout', sidecar.written.stdout],
  ] as const) {
    const seen = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    t.strictSame(
      seen.map(Number).sort((a, b) => a - b),
      ids.map(Number),
      where,
    );
  }
  await backend.kill();
});
