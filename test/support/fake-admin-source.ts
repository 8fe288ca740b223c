import { encodeMessage, type MessageName, readMessage } from '../../src/envoy/index.ts';
import type { AdminSource } from '../../src/proxy/admin/index.ts';
import type { HostElsewhere } from '../../src/proxy/admin/types.ts';
import { createClusterCompiler, createEndpointCompiler } from '../../src/proxy/cluster/index.ts';
import { createRouteCompiler } from '../../src/proxy/route/index.ts';
import type { RouteTable } from '../../src/proxy/route/types.ts';
import type { Entry, RuntimeResources, Waiting } from '../../src/proxy/runtime/index.ts';
import { MetricRegistry } from '../../src/telemetry/index.ts';
import { FakeClock } from './fake-clock.ts';
import { tlsSources } from './tls-sources.ts';
import { unsliced } from './unsliced.ts';

/** Protobuf bytes of a message written as YAML. */
export function yamlBytes(name: MessageName, yaml: string): Uint8Array {
  const { message, errors } = readMessage(name, yaml, { file: 'test.yaml', format: 'yaml' });
  if (errors.length > 0) throw new Error(errors.map(({ path, text }) => `${path}: ${text}`).join('\n'));
  return encodeMessage(name, message);
}

const CLUSTER = yamlBytes(
  'envoy.config.cluster.v3.Cluster',
  `
name: a
type: EDS
eds_cluster_config: { eds_config: { ads: {} } }
circuit_breakers: { thresholds: [{ max_retries: 10000 }] }
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: { http2_protocol_options: {} }
`,
);

const ENDPOINTS = yamlBytes(
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  `
cluster_name: a
endpoints:
- locality: { zone: zone-a }
  lb_endpoints:
  - endpoint: { hostname: one, address: { socket_address: { address: 10.0.0.1, port_value: 9095 } } }
- locality: { zone: zone-b }
  priority: 1
  lb_endpoints:
  - health_status: DRAINING
    endpoint: { address: { socket_address: { address: 10.0.0.2, port_value: 9095 } } }
`,
);

const LISTENER = yamlBytes(
  'envoy.config.listener.v3.Listener',
  `
name: in
address: { socket_address: { address: 127.0.0.1, port_value: 9096 } }
filter_chains:
- transport_socket:
    name: tls
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
      common_tls_context:
        tls_certificates: [{ certificate_chain: { inline_string: PUBLIC }, private_key: { inline_string: PRIVATE } }]
  filters:
  - name: hcm
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
      stat_prefix: in
      route_config: { name: inline, virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, direct_response: { status: 204 } }] }] }
`,
);

const ROUTES = yamlBytes(
  'envoy.config.route.v3.RouteConfiguration',
  `
name: r
virtual_hosts:
- { name: to-a, domains: ["a:9095"], routes: [{ match: { prefix: / }, route: { cluster: a, timeout: 0s } }] }
- { name: to-nobody, domains: ["b:9095"], routes: [{ match: { prefix: / }, route: { cluster: b } }] }
- { name: empty, domains: ["c:9095"], routes: [{ match: { prefix: / }, route: { cluster: empty } }] }
`,
);

/** A sidecar with one cluster, one listener and one route configuration, and a list of what the pages asked it to do. */
export function fakeAdminSource(): {
  readonly source: AdminSource;
  /** What `source` shows. */
  readonly registry: MetricRegistry;
  readonly done: string[];
  readonly clock: FakeClock;
  state: 'LIVE' | 'DRAINING';
} {
  const clock = new FakeClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  const registry = new MetricRegistry();
  const done: string[] = [];
  const deps = {
    clock,
    random: () => 0,
    tlsSources,
    resolveName: () => Promise.resolve([]),
    createPool: () => {
      throw new Error('no pool');
    },
    metrics: registry,
  };
  const compile = createClusterCompiler(deps);
  const cluster = compile.compile('a', CLUSTER).compiled;
  cluster.applyAssignment(createEndpointCompiler().compile('a', ENDPOINTS).compiled);
  const empty = compile.compile(
    'empty',
    yamlBytes('envoy.config.cluster.v3.Cluster', '{ name: empty, load_assignment: { cluster_name: empty } }'),
  ).compiled;
  const table: RouteTable = createRouteCompiler().compile('r', ROUTES).compiled;
  const waiting: Waiting[] = [];
  const layers = [
    { name: 'base', static_layer: { a: { b: 5 }, t: 'text' } },
    { name: 'over', static_layer: { 'a.b': 6 } },
    { name: 'admin', admin_layer: {} },
  ];
  const elsewhere = (): HostElsewhere => ({ cxActive: 0, rqActive: 0, rqPendingActive: 0, isEjected: false });
  const fake: ReturnType<typeof fakeAdminSource> = {
    state: 'LIVE',
    done,
    clock,
    registry,
    source: {
      info: {
        version: 'ringway/0.1.0',
        startedMs: clock.nowMs() - 44_400,
        commandLine: { concurrency: 1, drain_time: '600s' },
        node: { id: 'n' },
      },
      clock,
      random: () => 0,
      slices: unsliced,
      series: () => registry.seriesInSteps(),
      controls: {
        quit: () => done.push('quit'),
        failHealthcheck: (isFailed) => done.push(`fail ${isFailed}`),
        drainListeners: ({ isGraceful, isInboundOnly }) => done.push(`drain graceful=${isGraceful} inbound=${isInboundOnly}`),
      },
      logs: { level: () => 'info', setLevel: (level) => done.push(`level ${level}`) },
      dump: {
        bootstrap: {
          node: { id: 'n' },
          static_resources: { secrets: [{ tls_certificate: { private_key: { inline_string: 'PRIVATE' } } }] },
          layered_runtime: { layers },
        },
        bootstrapAtMs: clock.nowMs(),
        resources: () => resources(clock.nowMs()),
      },
      routes: () => [table],
      state: () => fake.state,
      memory: () => ({ rss: 100, heapTotal: 50, heapUsed: 40, external: 2 }),
      refreshStats: () => void done.push('refresh'),
      textStats: () => new Map([['control_plane.identifier', 'control-1']]),
      clusters: () => [
        { cluster, isAddedViaApi: true, elsewhere },
        { cluster: empty, isAddedViaApi: false, elsewhere },
      ],
      listeners: () => [{ name: 'in', address: { host: '127.0.0.1', port: 9096 } }],
      waiting: () => waiting,
    },
  };
  return fake;
}

function resources(nowMs: number): RuntimeResources {
  const version = (value: Uint8Array, name: string): Entry<unknown>['active'] => ({
    compiled: null,
    dependencies: {},
    value,
    version: name,
    updatedMs: nowMs,
  });
  const entry = (name: string, more: Partial<Entry<unknown>>): Entry<unknown> => ({
    name,
    origin: 'dynamic',
    active: null,
    warming: null,
    error: null,
    leavingSinceMs: null,
    ...more,
  });
  return {
    clusters: [entry('a', { active: version(CLUSTER, '7'), error: { value: CLUSTER, version: '8', message: 'a: no', atMs: nowMs } })],
    endpoints: [entry('a', { active: version(ENDPOINTS, '3') })],
    listeners: [
      entry('in', { origin: 'static', active: version(LISTENER, '') }),
      entry('bad', { error: { value: LISTENER, version: '2', message: 'bad: no', atMs: nowMs } }),
    ],
    routes: [entry('r', { active: version(ROUTES, '5') })],
    versions: new Map([['type.googleapis.com/envoy.config.cluster.v3.Cluster', '7']]),
  };
}
