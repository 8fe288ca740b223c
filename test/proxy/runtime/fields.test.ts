// Every field of the messages that the compilers take: read, refused by its name, or listed here with why it needs nothing.
import t from 'tap';
import { seededRandom } from '../../../src/core/index.ts';
import { codecOf, create } from '../../../src/envoy/index.ts';
import { enumSchema, knownMessage } from '../../../src/envoy/schema.ts';
import { field as headerField } from '../../../src/http2/index.ts';
import type { FieldSchema, FieldType } from '../../../src/protobuf/index.ts';
import { FileSinks } from '../../../src/proxy/access-log/index.ts';
import { createClusterCompiler, createEndpointCompiler } from '../../../src/proxy/cluster/index.ts';
import { createListenerCompiler } from '../../../src/proxy/listener/index.ts';
import { createRouteCompiler } from '../../../src/proxy/route/index.ts';
import { CompileError } from '../../../src/proxy/runtime/types.ts';
import { MetricRegistry, silentLogger } from '../../../src/telemetry/index.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fieldsWithoutEffect } from '../../support/fields-without-effect.ts';
import { tlsSources } from '../../support/tls-sources.ts';

type Fields = Record<string, unknown>;
type Root =
  | 'Cluster'
  | 'ClusterLoadAssignment'
  | 'Listener'
  | 'RouteConfiguration'
  | 'Hcm'
  | 'Router'
  | 'TcpProxy'
  | 'File'
  | 'Options'
  | 'Downstream'
  | 'Upstream';

const TYPES: Readonly<Record<Root, string>> = {
  Cluster: 'envoy.config.cluster.v3.Cluster',
  ClusterLoadAssignment: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  Listener: 'envoy.config.listener.v3.Listener',
  RouteConfiguration: 'envoy.config.route.v3.RouteConfiguration',
  Hcm: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  Router: 'envoy.extensions.filters.http.router.v3.Router',
  TcpProxy: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  File: 'envoy.extensions.access_loggers.file.v3.FileAccessLog',
  Options: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  Downstream: 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  Upstream: 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
};

/** A message of `type` with `fields`. */
function made(type: string, fields: Fields = {}): Fields {
  const codec = codecOf(type);
  if (!codec) throw new Error(`no codec of ${type}`);
  return create(codec, fields) as Fields;
}

function any(root: Root, value: Fields): Fields {
  const bytes = codecOf(TYPES[root])?.encode(value).finish();
  return { typeUrl: `type.googleapis.com/${TYPES[root]}`, value: bytes };
}

const config = (name: string): string => `envoy.config.${name}`;
const one = ($case: string, value: unknown): Fields => ({ $case, value });
const typed = (root: Root, value: Fields): Fields => one('typedConfig', any(root, value));
const seconds = (count: number): Fields => ({ seconds: BigInt(count), nanos: 0 });

const ads = made(config('core.v3.ConfigSource'), { configSourceSpecifier: one('ads', made(config('core.v3.AggregatedConfigSource'))) });
const socket = made(config('core.v3.SocketAddress'), { address: '127.0.0.1', portSpecifier: one('portValue', 1) });
const address = made(config('core.v3.Address'), { address: one('socketAddress', socket) });
const endpoint = made(config('endpoint.v3.Endpoint'), { address });
const lbEndpoint = made(config('endpoint.v3.LbEndpoint'), { hostIdentifier: one('endpoint', endpoint) });
const locality = made(config('endpoint.v3.LocalityLbEndpoints'), {
  lbEndpoints: [lbEndpoint],
  locality: made(config('core.v3.Locality')),
});
const assignment = made(TYPES.ClusterLoadAssignment, {
  clusterName: 'r',
  endpoints: [locality],
  policy: made(config('endpoint.v3.ClusterLoadAssignment.Policy')),
});
const keepalive = made(config('core.v3.KeepaliveSettings'), { interval: seconds(1), timeout: seconds(1) });
const thresholds = made(config('cluster.v3.CircuitBreakers.Thresholds'), {
  retryBudget: made(config('cluster.v3.CircuitBreakers.Thresholds.RetryBudget')),
});
const cluster = made(TYPES.Cluster, {
  name: 'r',
  loadAssignment: assignment,
  commonLbConfig: made(config('cluster.v3.Cluster.CommonLbConfig')),
  circuitBreakers: made(config('cluster.v3.CircuitBreakers'), { thresholds: [thresholds] }),
  outlierDetection: made(config('cluster.v3.OutlierDetection')),
  commonHttpProtocolOptions: made(config('core.v3.HttpProtocolOptions')),
  http2ProtocolOptions: made(config('core.v3.Http2ProtocolOptions'), { connectionKeepalive: keepalive }),
});
const explicit = made(`${TYPES.Options}.ExplicitHttpConfig`, {
  protocolConfig: one('http2ProtocolOptions', made(config('core.v3.Http2ProtocolOptions'))),
});
const header = made(config('core.v3.HeaderValueOption'), { header: made(config('core.v3.HeaderValue'), { key: 'x', value: 'y' }) });
const matcher = made(config('route.v3.HeaderMatcher'), {
  name: 'x',
  headerMatchSpecifier: one('stringMatch', made('envoy.type.matcher.v3.StringMatcher', { matchPattern: one('exact', 'x') })),
});
const retryPolicy = made(config('route.v3.RetryPolicy'), {
  retryBackOff: made(config('route.v3.RetryPolicy.RetryBackOff'), { baseInterval: seconds(1) }),
  rateLimitedRetryBackOff: made(config('route.v3.RetryPolicy.RateLimitedRetryBackOff'), {
    resetHeaders: [made(config('route.v3.RetryPolicy.ResetHeader'), { name: 'retry-after' })],
  }),
});
const forward = made(config('route.v3.RouteAction'), {
  clusterSpecifier: one('cluster', 'c'),
  retryPolicy,
  hedgePolicy: made(config('route.v3.HedgePolicy')),
  maxStreamDuration: made(config('route.v3.RouteAction.MaxStreamDuration')),
});
const routeMatch = made(config('route.v3.RouteMatch'), { pathSpecifier: one('prefix', '/'), headers: [matcher] });
const route = made(config('route.v3.Route'), { match: routeMatch, action: one('route', forward), requestHeadersToAdd: [header] });
const host = made(config('route.v3.VirtualHost'), { name: 'h', domains: ['*'], routes: [route] });
const routes = made(TYPES.RouteConfiguration, { name: 'r', virtualHosts: [host] });
const weight = made(config('route.v3.WeightedCluster.ClusterWeight'), { name: 'c', weight: 1 });
const weighted = made(config('route.v3.WeightedCluster'), { clusters: [weight] });
const data = made(config('core.v3.DataSource'), { specifier: one('inlineString', 'x') });
const direct = made(config('route.v3.DirectResponseAction'), { status: 200, body: data });
const format = made(config('core.v3.SubstitutionFormatString'), { format: one('textFormat', 'x') });
const file = made(TYPES.File, { path: '/dev/null', accessLogFormat: one('logFormat', format) });
const accessLog = made(config('accesslog.v3.AccessLog'), { name: 'f', configType: typed('File', file) });
const router = made('envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter', {
  name: 'router',
  configType: typed('Router', made(TYPES.Router)),
});
const hcm = made(TYPES.Hcm, {
  statPrefix: 's',
  httpFilters: [router],
  accessLog: [accessLog],
  routeSpecifier: one(
    'rds',
    made('envoy.extensions.filters.network.http_connection_manager.v3.Rds', { routeConfigName: 'r', configSource: ads }),
  ),
  commonHttpProtocolOptions: made(config('core.v3.HttpProtocolOptions')),
  http2ProtocolOptions: made(config('core.v3.Http2ProtocolOptions')),
});
const tcp = made(TYPES.TcpProxy, { statPrefix: 's', clusterSpecifier: one('cluster', 'c') });
const tcpWeight = made(`${TYPES.TcpProxy}.WeightedCluster.ClusterWeight`, { name: 'c', weight: 1 });
const tcpWeighted = made(`${TYPES.TcpProxy}.WeightedCluster`, { clusters: [tcpWeight] });
const filter = (root: Root, value: Fields): Fields => made(config('listener.v3.Filter'), { name: 'f', configType: typed(root, value) });
const listener = made(TYPES.Listener, {
  name: 'r',
  address,
  filterChains: [made(config('listener.v3.FilterChain'), { filters: [filter('Hcm', hcm)] })],
});

const tls = (name: string): string => `envoy.extensions.transport_sockets.tls.v3.${name}`;
const own = makeCertificate('own', { isAuthority: true });
const inline = (text: string): Fields => made(config('core.v3.DataSource'), { specifier: one('inlineString', text) });
const commonTls = made(tls('CommonTlsContext'), {
  tlsParams: made(tls('TlsParameters')),
  tlsCertificates: [made(tls('TlsCertificate'), { certificateChain: inline(own.certificate), privateKey: inline(own.privateKey) })],
  validationContextType: one('validationContext', made(tls('CertificateValidationContext'), { trustedCa: inline(own.certificate) })),
});
const secure = (root: 'Downstream' | 'Upstream'): Fields => made(TYPES[root], { commonTlsContext: commonTls });
const tlsSocket = (root: 'Downstream' | 'Upstream', value: Fields): Fields =>
  made(config('core.v3.TransportSocket'), { name: 't', configType: typed(root, value) });

/** Where a message stands inside the decoded root, and what the root is with it. */
interface Place {
  readonly type: string;
  readonly root: Root;
  readonly path: readonly (string | number)[];
  readonly base: Fields;
}

const place = (type: string, root: Root, path: string, base: Fields): Place => ({
  type,
  root,
  path: path === '' ? [] : path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
  base,
});

const PLACES: readonly Place[] = [
  place(TYPES.Cluster, 'Cluster', '', cluster),
  place(config('cluster.v3.Cluster.EdsClusterConfig'), 'Cluster', 'edsClusterConfig', {
    ...cluster,
    loadAssignment: undefined,
    clusterDiscoveryType: one('type', 3),
    edsClusterConfig: made(config('cluster.v3.Cluster.EdsClusterConfig'), { edsConfig: ads }),
  }),
  place(config('cluster.v3.Cluster.CommonLbConfig'), 'Cluster', 'commonLbConfig', cluster),
  place(config('cluster.v3.Cluster.LeastRequestLbConfig'), 'Cluster', 'lbConfig.value', {
    ...cluster,
    lbPolicy: 1,
    lbConfig: one('leastRequestLbConfig', made(config('cluster.v3.Cluster.LeastRequestLbConfig'))),
  }),
  place(config('cluster.v3.Cluster.RoundRobinLbConfig'), 'Cluster', 'lbConfig.value', {
    ...cluster,
    lbConfig: one('roundRobinLbConfig', made(config('cluster.v3.Cluster.RoundRobinLbConfig'))),
  }),
  place(config('cluster.v3.CircuitBreakers'), 'Cluster', 'circuitBreakers', cluster),
  place(config('cluster.v3.CircuitBreakers.Thresholds'), 'Cluster', 'circuitBreakers.thresholds.0', cluster),
  place(config('cluster.v3.CircuitBreakers.Thresholds.RetryBudget'), 'Cluster', 'circuitBreakers.thresholds.0.retryBudget', cluster),
  place(config('cluster.v3.OutlierDetection'), 'Cluster', 'outlierDetection', cluster),
  place(config('core.v3.HttpProtocolOptions'), 'Cluster', 'commonHttpProtocolOptions', cluster),
  place(config('core.v3.Http2ProtocolOptions'), 'Cluster', 'http2ProtocolOptions', cluster),
  place(config('core.v3.KeepaliveSettings'), 'Cluster', 'http2ProtocolOptions.connectionKeepalive', cluster),
  place(TYPES.Options, 'Options', '', made(TYPES.Options, { upstreamProtocolOptions: one('explicitHttpConfig', explicit) })),
  place(
    `${TYPES.Options}.ExplicitHttpConfig`,
    'Options',
    'upstreamProtocolOptions.value',
    made(TYPES.Options, { upstreamProtocolOptions: one('explicitHttpConfig', explicit) }),
  ),
  place(TYPES.ClusterLoadAssignment, 'ClusterLoadAssignment', '', assignment),
  place(config('endpoint.v3.ClusterLoadAssignment.Policy'), 'ClusterLoadAssignment', 'policy', assignment),
  place(config('endpoint.v3.LocalityLbEndpoints'), 'ClusterLoadAssignment', 'endpoints.0', assignment),
  place(config('core.v3.Locality'), 'ClusterLoadAssignment', 'endpoints.0.locality', assignment),
  place(config('endpoint.v3.LbEndpoint'), 'ClusterLoadAssignment', 'endpoints.0.lbEndpoints.0', assignment),
  place(config('endpoint.v3.Endpoint'), 'ClusterLoadAssignment', 'endpoints.0.lbEndpoints.0.hostIdentifier.value', assignment),
  place(
    config('core.v3.SocketAddress'),
    'ClusterLoadAssignment',
    'endpoints.0.lbEndpoints.0.hostIdentifier.value.address.address.value',
    assignment,
  ),
  place(TYPES.Listener, 'Listener', '', listener),
  place(config('listener.v3.FilterChain'), 'Listener', 'filterChains.0', listener),
  place(config('listener.v3.Filter'), 'Listener', 'filterChains.0.filters.0', listener),
  place(TYPES.Hcm, 'Hcm', '', hcm),
  place('envoy.extensions.filters.network.http_connection_manager.v3.Rds', 'Hcm', 'routeSpecifier.value', hcm),
  place(config('core.v3.ConfigSource'), 'Hcm', 'routeSpecifier.value.configSource', hcm),
  place('envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter', 'Hcm', 'httpFilters.0', hcm),
  place(config('accesslog.v3.AccessLog'), 'Hcm', 'accessLog.0', hcm),
  place(config('core.v3.HttpProtocolOptions'), 'Hcm', 'commonHttpProtocolOptions', hcm),
  place(config('core.v3.Http2ProtocolOptions'), 'Hcm', 'http2ProtocolOptions', hcm),
  place(TYPES.Router, 'Router', '', made(TYPES.Router)),
  place(TYPES.File, 'File', '', file),
  place(config('core.v3.SubstitutionFormatString'), 'File', 'accessLogFormat.value', file),
  place(TYPES.TcpProxy, 'TcpProxy', '', tcp),
  place(`${TYPES.TcpProxy}.WeightedCluster`, 'TcpProxy', 'clusterSpecifier.value', {
    ...tcp,
    clusterSpecifier: one('weightedClusters', tcpWeighted),
  }),
  place(`${TYPES.TcpProxy}.WeightedCluster.ClusterWeight`, 'TcpProxy', 'clusterSpecifier.value.clusters.0', {
    ...tcp,
    clusterSpecifier: one('weightedClusters', tcpWeighted),
  }),
  ...routePlaces(),
  ...tlsPlaces('Downstream'),
  ...tlsPlaces('Upstream'),
];

function tlsPlaces(root: 'Downstream' | 'Upstream'): readonly Place[] {
  const common = 'commonTlsContext';
  return [
    place(TYPES[root], root, '', secure(root)),
    place(tls('CommonTlsContext'), root, common, secure(root)),
    place(tls('TlsParameters'), root, `${common}.tlsParams`, secure(root)),
    place(tls('TlsCertificate'), root, `${common}.tlsCertificates.0`, secure(root)),
    place(config('core.v3.DataSource'), root, `${common}.tlsCertificates.0.privateKey`, secure(root)),
    place(tls('CertificateValidationContext'), root, `${common}.validationContextType.value`, secure(root)),
  ];
}

function routePlaces(): readonly Place[] {
  const action = 'virtualHosts.0.routes.0.action.value';
  const withRoute = (fields: Fields): Fields => ({ ...routes, virtualHosts: [{ ...host, routes: [{ ...route, ...fields }] }] });
  const isWeighted = withRoute({ action: one('route', { ...forward, clusterSpecifier: one('weightedClusters', weighted) }) });
  // policies of its own would hide those of the virtual host
  const isBare = withRoute({ action: one('route', { ...forward, retryPolicy: undefined, hedgePolicy: undefined }) });
  const isDirect = withRoute({ action: one('directResponse', direct) });
  return [
    place(TYPES.RouteConfiguration, 'RouteConfiguration', '', routes),
    place(config('route.v3.VirtualHost'), 'RouteConfiguration', 'virtualHosts.0', isBare),
    place(config('route.v3.Route'), 'RouteConfiguration', 'virtualHosts.0.routes.0', routes),
    place(config('route.v3.RouteMatch'), 'RouteConfiguration', 'virtualHosts.0.routes.0.match', routes),
    place(config('route.v3.HeaderMatcher'), 'RouteConfiguration', 'virtualHosts.0.routes.0.match.headers.0', routes),
    place(
      'envoy.type.matcher.v3.StringMatcher',
      'RouteConfiguration',
      'virtualHosts.0.routes.0.match.headers.0.headerMatchSpecifier.value',
      routes,
    ),
    place(config('core.v3.HeaderValueOption'), 'RouteConfiguration', 'virtualHosts.0.routes.0.requestHeadersToAdd.0', routes),
    place(config('core.v3.HeaderValue'), 'RouteConfiguration', 'virtualHosts.0.routes.0.requestHeadersToAdd.0.header', routes),
    place(config('route.v3.RouteAction'), 'RouteConfiguration', action, routes),
    place(config('route.v3.RetryPolicy'), 'RouteConfiguration', `${action}.retryPolicy`, routes),
    place(config('route.v3.RetryPolicy.RetryBackOff'), 'RouteConfiguration', `${action}.retryPolicy.retryBackOff`, routes),
    place(
      config('route.v3.RetryPolicy.RateLimitedRetryBackOff'),
      'RouteConfiguration',
      `${action}.retryPolicy.rateLimitedRetryBackOff`,
      routes,
    ),
    place(
      config('route.v3.RetryPolicy.ResetHeader'),
      'RouteConfiguration',
      `${action}.retryPolicy.rateLimitedRetryBackOff.resetHeaders.0`,
      routes,
    ),
    place(config('route.v3.HedgePolicy'), 'RouteConfiguration', `${action}.hedgePolicy`, routes),
    place(config('route.v3.RouteAction.MaxStreamDuration'), 'RouteConfiguration', `${action}.maxStreamDuration`, routes),
    place(config('route.v3.WeightedCluster'), 'RouteConfiguration', `${action}.clusterSpecifier.value`, isWeighted),
    place(
      config('route.v3.WeightedCluster.ClusterWeight'),
      'RouteConfiguration',
      `${action}.clusterSpecifier.value.clusters.0`,
      isWeighted,
    ),
    place(config('route.v3.DirectResponseAction'), 'RouteConfiguration', action, isDirect),
    place(config('core.v3.DataSource'), 'RouteConfiguration', `${action}.body`, isDirect),
  ];
}

/** Compiles the resource that holds `value` as its `root`. */
function compile(root: Root, value: Fields): unknown {
  const resource = (type: Root, fields: Fields): Uint8Array => codecOf(TYPES[type])?.encode(fields).finish() ?? new Uint8Array();
  const shared = { clock: new FakeClock(), random: seededRandom(1), metrics: new MetricRegistry(), logger: silentLogger, tlsSources };
  const never = (): never => {
    throw new Error('nothing is connected');
  };
  const asListener = (filters: Fields, more: Fields = {}): Uint8Array =>
    resource('Listener', { ...listener, filterChains: [made(config('listener.v3.FilterChain'), { filters: [filters], ...more })] });
  const compileListener = (bytes: Uint8Array): unknown => {
    const accessLogs = new FileSinks({ clock: shared.clock, logger: silentLogger });
    const deps = {
      ...shared,
      accessLogs,
      connect: never,
      listen: never,
      worker: 0,
      drainTimeMs: 1,
      currentConfig: never,
      createRequestId: never,
    };
    const compiled = createListenerCompiler(deps).compile('r', bytes);
    void accessLogs.stop();
    return compiled;
  };
  const compileCluster = (bytes: Uint8Array): unknown =>
    createClusterCompiler({ ...shared, resolveName: never, createPool: never }).compile('r', bytes);
  switch (root) {
    case 'Cluster':
      return compileCluster(resource('Cluster', value));
    case 'Upstream':
      return compileCluster(resource('Cluster', { ...cluster, transportSocket: tlsSocket(root, value) }));
    case 'Downstream':
      return compileListener(asListener(filter('Hcm', hcm), { transportSocket: tlsSocket(root, value) }));
    case 'Options':
      return compileCluster(
        resource('Cluster', { ...cluster, typedExtensionProtocolOptions: new Map([[TYPES.Options, any('Options', value)]]) }),
      );
    case 'ClusterLoadAssignment':
      return createEndpointCompiler().compile('r', resource(root, value));
    case 'RouteConfiguration':
      // what a header is matched with is read when a request comes
      return createRouteCompiler()
        .compile('r', resource(root, value))
        .compiled.route('h', '/', [headerField('x', '1')]);
    case 'Listener':
      return compileListener(resource('Listener', value));
    case 'Hcm':
    case 'TcpProxy':
      return compileListener(asListener(filter(root, value)));
    case 'Router':
      return compileListener(asListener(filter('Hcm', { ...hcm, httpFilters: [{ ...router, configType: typed('Router', value) }] })));
    case 'File':
      return compileListener(asListener(filter('Hcm', { ...hcm, accessLog: [{ ...accessLog, configType: typed('File', value) }] })));
  }
}

/** A value of a field that is not its default; nested messages are empty. */
function sample(field: FieldSchema): unknown {
  // an access log opens its file
  const value = field.name === 'path' ? '/dev/null' : sampleOf(field.type);
  if (field.shape.kind === 'list') return [value];
  return field.shape.kind === 'map' ? new Map([['x', value]]) : value;
}

function sampleOf(type: FieldType): unknown {
  if (type.kind === 'enum') return [...enumSchema(type.name).numbers.values()].find((number) => number !== 0) ?? 1;
  if (type.kind === 'scalar') {
    if (type.scalar === 'string') return 'x';
    if (type.scalar === 'bool') return true;
    if (type.scalar === 'bytes') return new Uint8Array([120]);
    return /64/.test(type.scalar) ? 1n : 1;
  }
  switch (type.name) {
    case 'google.protobuf.BoolValue':
      return true;
    case 'google.protobuf.StringValue':
      return 'x';
    case 'google.protobuf.UInt64Value':
    case 'google.protobuf.Int64Value':
      return 1n;
    case 'google.protobuf.Struct':
      return { x: 1 };
    default:
      return /\.(U?Int32|Double|Float)Value$/.test(type.name) ? 1 : type.name.endsWith('Duration') ? seconds(1) : made(type.name);
  }
}

/** The object at `path`, and `base` with a copy of everything above it. */
function withField({ base, path }: Place, field: FieldSchema): Fields {
  const value = field.oneof ? one(field.property, sample(field)) : sample(field);
  const key = field.oneof?.property ?? field.property;
  const set = (node: unknown, at: number): unknown => {
    if (at === path.length) return { ...(node as Fields), [key]: value };
    const step = path[at] as keyof typeof node;
    const child = set((node as Fields)[step], at + 1);
    return Array.isArray(node) ? node.map((item, i) => (i === Number(step) ? child : item)) : { ...(node as Fields), [step]: child };
  };
  return set(base, 0) as Fields;
}

/** What becomes of a field: `read` when the compiler looked at it, or had something to say about its value. */
function fateOf(spot: Place, field: FieldSchema): 'read' | 'refused' | 'no effect' {
  const codec = codecOf(TYPES[spot.root]) as { decode(bytes: Uint8Array): unknown };
  const { decode } = codec;
  let isRead = false;
  const watched = (target: Fields): Fields =>
    new Proxy(target, {
      get(object, key) {
        const value = object[String(key)];
        if (field.oneof?.property !== key) {
          if (key === field.property) isRead = true;
          return value;
        }
        return new Proxy(value as Fields, {
          get(choice, part) {
            if (part === 'value') isRead = true;
            return choice[String(part)];
          },
        });
      },
    });
  codec.decode = (bytes) => {
    const decoded = decode.call(codec, bytes);
    if (spot.path.length === 0) return watched(decoded as Fields);
    let node = decoded as Fields;
    for (const step of spot.path.slice(0, -1)) node = node[step] as Fields;
    const last = spot.path.at(-1) as string;
    node[last] = watched(node[last] as Fields);
    return decoded;
  };
  try {
    compile(spot.root, withField(spot, field));
    return isRead ? 'read' : 'no effect';
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.message.includes(field.name) && error.message.includes('not supported') ? 'refused' : 'read';
  } finally {
    codec.decode = decode;
  }
}

t.test('the messages compile as they are', (t) => {
  for (const { type, root, base } of PLACES) t.doesNotThrow(() => compile(root, base), type);
  t.end();
});

t.test('every field is read, refused by name, or known to need nothing', (t) => {
  const fates = PLACES.flatMap((spot) => knownMessage(spot.type).fields.map((field) => ({ spot, field, fate: fateOf(spot, field) })));
  const without = fates
    .filter(({ fate }) => fate === 'no effect')
    .map(({ spot, field }) => `${spot.root}: ${spot.type.split('.').at(-1)}.${field.name}`);
  t.strictSame(without.sort(), Object.keys(fieldsWithoutEffect).sort());
  t.ok(fates.filter(({ fate }) => fate === 'refused').length > 150, `${fates.length} fields`);
  t.end();
});
