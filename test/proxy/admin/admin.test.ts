import t from 'tap';
import { adminPages, createAdminServer } from '../../../src/proxy/admin/index.ts';
import { clusterScope } from '../../../src/telemetry/index.ts';
import { fakeAdminSource } from '../../support/fake-admin-source.ts';
import { unsliced } from '../../support/unsliced.ts';

async function start(t: { teardown(fn: () => Promise<void>): void }) {
  const fake = fakeAdminSource();
  const server = createAdminServer({ listen: { host: '127.0.0.1', port: 0 }, pages: adminPages(fake.source), slices: unsliced });
  await server.start();
  t.teardown(() => server.stop());
  const ask = async (path: string, method = 'GET'): Promise<{ status: number; body: string; type: string | null }> => {
    const response = await fetch(`http://${server.address}${path}`, { method });
    return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
  };
  const get = async (path: string): Promise<string> => (await ask(path)).body;
  const read = async (path: string): Promise<unknown> => JSON.parse(await get(path));
  return { fake, ask, get, read, server };
}

t.test('ready says the state, 200 only when live', async (t) => {
  const { fake, ask } = await start(t);
  t.strictSame(await ask('/ready'), { status: 200, body: 'LIVE\n', type: 'text/plain; charset=UTF-8' });
  fake.state = 'DRAINING';
  t.strictSame(await ask('/ready'), { status: 503, body: 'DRAINING\n', type: 'text/plain; charset=UTF-8' });
});

t.test('unknown paths, wrong methods, and headers as Envoy', async (t) => {
  const { ask, server } = await start(t);
  const missing = await ask('/nope');
  t.equal(missing.status, 404);
  t.match(missing.body, /^invalid path\. admin commands are:\n {2}\/: Admin home page\n {2}\/certs: /);
  t.strictSame(await ask('/quitquitquit'), {
    status: 405,
    body: 'Method GET not allowed, POST required.',
    type: 'text/plain; charset=UTF-8',
  });
  t.equal((await ask('/ready', 'DELETE')).status, 405);
  t.match((await ask('/help')).body, /^admin commands are:\n/);
  t.match((await ask('/')).body, /<a href="config_dump">/);
  const { headers } = await fetch(`http://${server.address}/ready`);
  t.equal(headers.get('cache-control'), 'no-cache, max-age=0');
  t.equal(headers.get('x-content-type-options'), 'nosniff');
  t.equal(headers.get('server'), 'envoy');
});

t.test('a port in use is one line', async (t) => {
  const { server } = await start(t);
  const port = Number(server.address.split(':')[1]);
  const second = createAdminServer({ listen: { host: '127.0.0.1', port }, pages: [], slices: unsliced });
  await t.rejects(second.start(), { code: 'BIND', message: `admin: cannot bind '127.0.0.1:${port}': Address already in use` });
});

t.test('stats as text: texts, then values, then histograms; filters', async (t) => {
  const { fake, ask, get } = await start(t);
  const scope = clusterScope(fake.registry, 'z');
  scope.counter('upstream_rq_total').inc(3);
  scope.counter('never');
  scope.gauge('back_to_zero').set(0);
  scope.histogram('upstream_rq_time').record(2);
  scope.histogram('unused');
  t.equal(
    await get('/stats?filter=^cluster\\.z|identifier'),
    [
      'control_plane.identifier: "control-1"',
      'cluster.z.back_to_zero: 0',
      'cluster.z.never: 0',
      'cluster.z.upstream_rq_total: 3',
      'cluster.z.unused: No recorded values',
      'cluster.z.upstream_rq_time: P0(1,1) P25(2,2) P50(3,3) P75(4,4) P90(4.6,4.6) P95(4.8,4.8) P99(4.96,4.96) P99.5(4.98,4.98) P99.9(4.996,4.996) P100(5,5)',
      '',
    ].join('\n'),
  );
  t.ok(fake.done.includes('refresh'));
  t.equal(await get('/stats?usedonly&filter=^cluster\\.z&type=Counters'), 'cluster.z.upstream_rq_total: 3\n');
  t.equal(await get('/stats?filter=cluster|identifier&invert_filter'), '');
  t.equal(await get('/stats?filter=z\\.b&type=Gauges&usedonly'), 'cluster.z.back_to_zero: 0\n');
  t.strictSame(
    [(await ask('/stats?filter=(')).status, (await ask('/stats?type=X')).status, (await ask('/stats?format=x')).status],
    [400, 400, 400],
  );
  t.match(await get('/stats?filter=('), /^Invalid re2 regex: /);
  t.equal((await ask('/reset_counters', 'POST')).body, 'OK\n');
  t.equal(await get('/stats?filter=z\\.upstream_rq_total'), 'cluster.z.upstream_rq_total: 0\n');
});

t.test('stats as JSON and for Prometheus', async (t) => {
  const { fake, ask, get, read } = await start(t);
  const scope = clusterScope(fake.registry, 'z');
  scope.counter('upstream_rq_total').inc(3);
  t.strictSame(await read('/stats?format=json&filter=^cluster\\.z'), { stats: [{ name: 'cluster.z.upstream_rq_total', value: 3 }] });
  scope.histogram('upstream_rq_time').record(2);
  const { stats } = (await read('/stats?format=json&filter=upstream_rq_time&usedonly')) as {
    stats: { histograms: { computed_quantiles: { name: string; values: unknown[] }[] } }[];
  };
  t.equal(stats[0]?.histograms.computed_quantiles[0]?.name, 'cluster.z.upstream_rq_time');
  t.strictSame(stats[0]?.histograms.computed_quantiles[0]?.values[0], { cumulative: 1, interval: 1 });
  const wanted = '# TYPE envoy_cluster_upstream_rq_total counter\nenvoy_cluster_upstream_rq_total{envoy_cluster_name="z"} 3\n';
  t.equal(await get('/stats/prometheus?filter=z\\.upstream_rq_total'), wanted);
  t.strictSame(await ask('/stats?format=prometheus&usedonly&filter=z\\.upstream_rq_total'), {
    status: 200,
    body: wanted,
    type: 'text/plain',
  });
});

t.test('clusters as text', async (t) => {
  const { get } = await start(t);
  const lines = (await get('/clusters')).split('\n');
  t.strictSame(lines.slice(0, 10), [
    'a::observability_name::a',
    'a::default_priority::max_connections::1024',
    'a::default_priority::max_pending_requests::1024',
    'a::default_priority::max_requests::1024',
    'a::default_priority::max_retries::10000',
    'a::high_priority::max_connections::1024',
    'a::high_priority::max_pending_requests::1024',
    'a::high_priority::max_requests::1024',
    'a::high_priority::max_retries::3',
    'a::added_via_api::true',
  ]);
  t.strictSame(
    lines.filter((line) => line.startsWith('a::10.0.0.2')).map((line) => line.slice('a::10.0.0.2:9095::'.length)),
    [
      'cx_active::0',
      'cx_connect_fail::0',
      'cx_total::0',
      'rq_active::0',
      'rq_error::0',
      'rq_pending_active::0',
      'rq_success::0',
      'rq_timeout::0',
      'rq_total::0',
      'hostname::',
      'health_flags::/eds_status_draining',
      'weight::1',
      'region::',
      'zone::zone-b',
      'sub_zone::',
      'canary::false',
      'priority::1',
      'success_rate::-1',
      'local_origin_success_rate::-1',
    ],
  );
});

t.test('clusters as JSON', async (t) => {
  const { read } = await start(t);
  const { cluster_statuses: statuses } = (await read('/clusters?format=json')) as {
    cluster_statuses: { host_statuses: { stats: unknown[] }[] }[];
  };
  t.match(statuses[0], { name: 'a', added_via_api: true, observability_name: 'a', eds_service_name: 'a' });
  const hosts = statuses[0]?.host_statuses ?? [];
  t.match(hosts[0], {
    address: { socket_address: { address: '10.0.0.1', port_value: 9095 } },
    health_status: { eds_health_status: 'HEALTHY' },
    weight: 1,
    hostname: 'one',
    locality: { zone: 'zone-a' },
  });
  t.match(hosts[1], { priority: 1, health_status: { eds_health_status: 'DRAINING' } });
  t.strictSame(hosts[0]?.stats[0], { name: 'cx_connect_fail' });
});

t.test('listeners, server info, memory and what has nothing to tell', async (t) => {
  const { get, read } = await start(t);
  t.equal(await get('/listeners'), 'in::127.0.0.1:9096\n');
  t.strictSame(await read('/listeners?format=json'), {
    listener_statuses: [{ name: 'in', local_address: { socket_address: { address: '127.0.0.1', port_value: 9096 } } }],
  });
  t.strictSame(await read('/server_info'), {
    version: 'ringway/0.1.0',
    state: 'LIVE',
    hot_restart_version: 'disabled',
    hot_restart_initializing: false,
    command_line_options: { concurrency: 1, drain_time: '600s' },
    node: { id: 'n' },
    uptime_current_epoch: '44s',
    uptime_all_epochs: '44s',
  });
  t.match(await read('/memory'), { allocated: '42', heap_size: '50', total_physical_bytes: '100' });
  t.strictSame(await read('/certs'), { certificates: [] });
  t.strictSame(await read('/runtime'), {
    entries: { 'a.b': { layer_values: ['5', '6', ''], final_value: '6' }, t: { layer_values: ['text', '', ''], final_value: 'text' } },
    layers: ['base', 'over', 'admin'],
  });
  t.equal(await get('/hot_restart_version'), 'disabled');
});

t.test('config_dump in Envoy’s shape, with what was refused, without secrets', async (t) => {
  const { get, read } = await start(t);
  const { configs } = (await read('/config_dump')) as { configs: Record<string, unknown>[] };
  t.strictSame(
    configs.map((config) => String(config['@type']).slice('type.googleapis.com/envoy.admin.v3.'.length)),
    ['BootstrapConfigDump', 'ClustersConfigDump', 'ListenersConfigDump', 'ScopedRoutesConfigDump', 'RoutesConfigDump', 'SecretsConfigDump'],
  );
  const [bootstrap, clusters, listeners, , routes] = configs;
  t.match(bootstrap, {
    '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump',
    bootstrap: {
      node: { id: 'n' },
      static_resources: { secrets: [{ tls_certificate: { private_key: { inline_string: '[redacted]' } } }] },
    },
    last_updated: '2026-01-02T03:04:05.678Z',
  });
  t.match(clusters, {
    version_info: '7',
    dynamic_active_clusters: [
      {
        version_info: '7',
        cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'a', type: 'EDS' },
        last_updated: '2026-01-02T03:04:05.678Z',
        error_state: {
          details: 'a: no',
          version_info: '8',
          failed_configuration: { name: 'a' },
          last_update_attempt: '2026-01-02T03:04:05.678Z',
        },
      },
    ],
  });
  t.match(listeners, {
    static_listeners: [{ listener: { name: 'in' } }],
    dynamic_listeners: [{ name: 'bad', error_state: { details: 'bad: no' } }],
  });
  t.match(routes, {
    static_route_configs: [{ route_config: { '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration', name: 'inline' } }],
    dynamic_route_configs: [{ version_info: '5', route_config: { name: 'r' } }],
  });
  const dump = await get('/config_dump');
  t.notMatch(dump, 'PRIVATE');
  t.match(dump, 'PUBLIC');
  t.match(dump, '[redacted]');
});

t.test('config_dump by resource, mask and name, with endpoints', async (t) => {
  const { ask, read } = await start(t);
  t.match(await read('/config_dump?include_eds&resource=dynamic_endpoint_configs'), {
    configs: [
      { '@type': 'type.googleapis.com/envoy.admin.v3.EndpointsConfigDump.DynamicEndpointConfig', endpoint_config: { cluster_name: 'a' } },
    ],
  });
  t.strictSame(await read('/config_dump?resource=dynamic_active_clusters&mask=cluster.name,version_info'), {
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster',
        cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'a' },
        version_info: '7',
      },
    ],
  });
  t.match(await read('/config_dump?mask=bootstrap.node'), { configs: [{ bootstrap: { node: { id: 'n' } } }] });
  t.strictSame(await ask('/config_dump?resource=bootstrap'), {
    status: 400,
    body: 'bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field',
    type: 'text/plain; charset=UTF-8',
  });
  t.strictSame(await read('/config_dump?resource=dynamic_listeners&name_regex=b.d'), await read('/config_dump?resource=dynamic_listeners'));
  t.strictSame(await read('/config_dump?resource=dynamic_active_clusters&name_regex=b'), { configs: [] });
  t.strictSame(await ask('/config_dump?resource=bogus'), {
    status: 404,
    body: 'bogus not found in config dump',
    type: 'text/plain; charset=UTF-8',
  });
  t.strictSame(await ask('/config_dump?mask=nosuch'), {
    status: 400,
    body: 'FieldMask nosuch could not be successfully applied to any configs.',
    type: 'text/plain; charset=UTF-8',
  });
  t.equal((await ask('/config_dump?name_regex=(')).status, 400);
});

t.test('init_dump names what is awaited and for how long', async (t) => {
  const { fake, read } = await start(t);
  t.strictSame(await read('/init_dump'), {});
  (fake.source.waiting() as unknown[]).push({
    typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
    name: 'b',
    waitsFor: 'endpoints "b" (EDS)',
    sinceMs: fake.clock.nowMs() - 3_200,
  });
  t.strictSame(await read('/init_dump'), {
    unready_targets_dumps: [{ name: 'Cluster b', target_names: ['endpoints "b" (EDS), for 3 s'] }],
  });
});

t.test('pages that change something', async (t) => {
  const { fake, ask } = await start(t);
  const paths = ['/healthcheck/fail', '/healthcheck/ok', '/drain_listeners', '/drain_listeners?graceful&inboundonly', '/quitquitquit'];
  for (const path of paths) t.strictSame((await ask(path, 'POST')).body, 'OK\n');
  t.strictSame(fake.done, ['fail true', 'fail false', 'drain graceful=false inbound=false', 'drain graceful=true inbound=true', 'quit']);
});

t.test('logging shows and changes the level', async (t) => {
  const { fake, ask } = await start(t);
  t.equal((await ask('/logging', 'POST')).body, 'active loggers:\n  ringway: info\n');
  for (const query of ['level=debug', 'paths=ringway:trace', 'paths=warn', 'ringway=off'])
    t.equal((await ask(`/logging?${query}`, 'POST')).status, 200);
  t.strictSame(fake.done, ['level debug', 'level trace', 'level warning', 'level off']);
  t.match((await ask('/logging?upstream=debug', 'POST')).body, /^error: unknown logger name\nusage: /);
  t.equal((await ask('/logging?level=loud', 'POST')).status, 400);
});

t.test('explain says where a request goes and why not', async (t) => {
  const { read, ask } = await start(t);
  t.strictSame(await read('/explain?authority=a:9095&path=/tempopb.Querier/FindTraceByID'), {
    authority: 'a:9095',
    path: '/tempopb.Querier/FindTraceByID',
    routes: [
      {
        route_config: 'r',
        virtual_host: 'to-a',
        route: '',
        cluster: 'a',
        outcome: 'one of 10.0.0.1:9095',
        retries: 0,
        hedges: false,
        timeout_ms: null,
        hosts: [
          { address: '10.0.0.1:9095', priority: 0, zone: 'zone-a', health: 'healthy' },
          { address: '10.0.0.2:9095', priority: 1, zone: 'zone-b', health: '/eds_status_draining' },
        ],
      },
    ],
  });
  t.match(await read('/explain?authority=b:9095&path=/x'), { routes: [{ outcome: 'cluster "b" is not there: gRPC status 14, flag NC' }] });
  t.match(await read('/explain?authority=c:9095&path=/x'), { routes: [{ outcome: 'no host is healthy: gRPC status 14, flag UH' }] });
  t.match(await read('/explain?authority=d&path=/x'), { routes: [{ outcome: 'no route matches: gRPC status 12' }] });
  t.equal((await ask('/explain')).status, 400);
});
