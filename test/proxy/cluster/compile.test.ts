// What a Cluster and a ClusterLoadAssignment compile to, and what is refused by name.
import t from 'tap';
import { seededRandom } from '../../../src/core/index.ts';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import {
  Cluster_CommonLbConfig,
  Cluster_EdsClusterConfig,
  Cluster as ClusterMessage,
} from '../../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { OutlierDetection } from '../../../src/gen/envoy/config/cluster/v3/outlier_detection.ts';
import { ConfigSource } from '../../../src/gen/envoy/config/core/v3/config_source.ts';
import { HealthCheck } from '../../../src/gen/envoy/config/core/v3/health_check.ts';
import { Http2ProtocolOptions } from '../../../src/gen/envoy/config/core/v3/protocol.ts';
import { ClusterLoadAssignment, ClusterLoadAssignment_Policy } from '../../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import {
  HttpProtocolOptions,
  HttpProtocolOptions_ExplicitHttpConfig,
} from '../../../src/gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { type Cluster, createClusterCompiler, createEndpointCompiler } from '../../../src/proxy/cluster/index.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { assignment, http2Cluster } from '../../support/data-plane.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { anyOf, bytesOf, message, ms } from '../../support/message.ts';
import { tlsSources } from '../../support/tls-sources.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function compile(fields: Partial<ClusterMessage>) {
  const compiler = createClusterCompiler({
    clock: new FakeClock(),
    random: seededRandom(1),
    metrics: new MetricRegistry(),
    tlsSources,
    resolveName: () => Promise.resolve([]),
    createPool: () => {
      throw new Error('no pool is needed');
    },
  });
  return compiler.compile(fields.name ?? '', bytesOf(ClusterMessage, fields));
}

const settingsOf = (fields: Partial<ClusterMessage>): Cluster['settings'] => compile(fields).compiled.settings;
const minimal: Partial<ClusterMessage> = { name: 'c', loadAssignment: assignment('c', [['10.0.0.1:9095']]) };

t.test("defaults are Envoy's", (t) => {
  t.match(settingsOf(minimal), {
    connectTimeoutMs: 5000,
    bufferLimit: 1_048_576,
    lbPolicy: { name: 'ROUND_ROBIN' },
    protocol: 'HTTP1',
    panicThreshold: 50,
    outlier: null,
    breakers: { default: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3, retryBudget: null } },
  });
  const outlier = settingsOf({ ...minimal, outlierDetection: message(OutlierDetection, {}) }).outlier;
  t.match(outlier, { consecutive5xx: 5, intervalMs: 10_000, baseEjectionMs: 30_000, maxEjectionMs: 300_000, maxEjectionPercent: 10 });
  t.end();
});

t.test('protocol options of another extension are refused, wherever they stand', (t) => {
  const http2 = message(HttpProtocolOptions_ExplicitHttpConfig, {
    protocolConfig: { $case: 'http2ProtocolOptions', value: message(Http2ProtocolOptions, {}) },
  });
  const options = anyOf(OPTIONS, HttpProtocolOptions, { upstreamProtocolOptions: { $case: 'explicitHttpConfig', value: http2 } });
  const typedExtensionProtocolOptions = new Map([
    [OPTIONS, options],
    ['envoy.filters.network.thrift_proxy', options],
  ]);
  t.throws(() => compile({ ...minimal, typedExtensionProtocolOptions }), {
    message: `typed_extension_protocol_options["envoy.filters.network.thrift_proxy"]: is not supported (only ${OPTIONS})`,
  });
  t.end();
});

t.test('the egress cluster of control compiles, by either way to ask for HTTP/2', (t) => {
  const edsConfig = message(ConfigSource, { configSourceSpecifier: { $case: 'ads', value: {} }, initialFetchTimeout: ms(2000) });
  const http2 = message(Http2ProtocolOptions, {
    initialStreamWindowSize: 4_194_304,
    initialConnectionWindowSize: 16_777_216,
    connectionKeepalive: { interval: ms(11_000), timeout: ms(3000), intervalJitter: undefined, connectionIdleInterval: undefined },
  });
  const explicit = message(HttpProtocolOptions_ExplicitHttpConfig, { protocolConfig: { $case: 'http2ProtocolOptions', value: http2 } });
  const options = anyOf(OPTIONS, HttpProtocolOptions, { upstreamProtocolOptions: { $case: 'explicitHttpConfig', value: explicit } });
  const { compiled, dependencies } = compile({
    name: 'live-store/a',
    clusterDiscoveryType: { $case: 'type', value: 3 },
    edsClusterConfig: message(Cluster_EdsClusterConfig, { edsConfig }),
    connectTimeout: ms(250),
    commonLbConfig: message(Cluster_CommonLbConfig, { healthyPanicThreshold: { value: 0 }, updateMergeWindow: ms(0) }),
    circuitBreakers: message(CircuitBreakers, {
      thresholds: [message(CircuitBreakers_Thresholds, { maxRetries: 10_000, trackRemaining: true })],
    }),
    typedExtensionProtocolOptions: new Map([[OPTIONS, options]]),
  });
  t.same(dependencies, { endpoints: ['live-store/a'], initialFetchTimeoutMs: 2000 });
  t.match(compiled.settings, {
    protocol: 'HTTP2',
    http2: { initialStreamWindowSize: 4_194_304, initialConnectionWindowSize: 16_777_216 },
    keepalive: { intervalMs: 11_000, timeoutMs: 3000 },
    panicThreshold: 0,
  });
  t.match(settingsOf({ ...minimal, http2ProtocolOptions: http2 }), {
    protocol: 'HTTP2',
    keepalive: { intervalMs: 11_000, timeoutMs: 3000 },
  });
  t.end();
});

t.test('assignments: priorities, health, weights, one address once', (t) => {
  const compiled = createEndpointCompiler().compile(
    'c',
    bytesOf(ClusterLoadAssignment, assignment('c', [['10.0.0.1:1', '10.0.0.1:1'], ['[::1]:2']])),
  );
  t.match(compiled.compiled, {
    overprovisioningFactor: 140,
    endpoints: [
      { address: '10.0.0.1:1', priority: 0, weight: 1, healthStatus: 'UNKNOWN' },
      {},
      { address: '[::1]:2', ip: '::1', priority: 1 },
    ],
  });
  const { compiled: cluster } = compile(http2Cluster('c', [['10.0.0.1:1', '10.0.0.1:1'], ['[::1]:2']]));
  t.same(
    cluster.hosts.map(({ address }) => address),
    ['10.0.0.1:1', '[::1]:2'],
  );
  t.end();
});

t.test('what cannot be done is refused by the name of its field', (t) => {
  const refused = (fields: Partial<ClusterMessage>, text: string) => t.throws(() => compile({ ...minimal, ...fields }), { message: text });
  refused({ healthChecks: [message(HealthCheck, {})] }, 'health_checks: is not supported');
  refused({ clusterDiscoveryType: { $case: 'type', value: 2 } }, 'type: is not supported (only STATIC, STRICT_DNS, EDS)');
  refused(
    { clusterDiscoveryType: { $case: 'type', value: 3 }, loadAssignment: undefined },
    'cannot create an EDS cluster without an EDS config',
  );
  t.same(compile({ name: 'c' }).compiled.hosts, [], 'a STATIC cluster may be empty, as in Envoy');
  refused({ lbPolicy: 2 }, 'lb_policy: is not supported (only ROUND_ROBIN, LEAST_REQUEST, RANDOM)');
  refused({ maxRequestsPerConnection: 10 }, 'max_requests_per_connection: is not supported');
  refused(
    { outlierDetection: message(OutlierDetection, { maxEjectionPercent: 101 }) },
    'outlier_detection.max_ejection_percent: 101 is not a percentage (0 to 100)',
  );
  refused({ connectTimeout: { seconds: -1n, nanos: 0 } }, 'connect_timeout: -1 s is out of range (0 to 2147483 s)');
  refused(
    { loadAssignment: assignment('c', [['live-store:9095']]) },
    "malformed IP address: live-store. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'",
  );
  const policy = message(ClusterLoadAssignment_Policy, { weightedPriorityHealth: true });
  refused({ loadAssignment: { ...assignment('c', []), policy } }, 'load_assignment.policy.weighted_priority_health: is not supported');
  const drop = { category: 'x', dropPercentage: { numerator: 101, denominator: 0 as const } };
  const drops = message(ClusterLoadAssignment_Policy, { dropOverloads: [drop] });
  refused(
    { loadAssignment: { ...assignment('c', []), policy: drops } },
    'load_assignment.policy.drop_overloads: drop_ratio should be between 0 and 1',
  );
  const twice = message(ClusterLoadAssignment_Policy, { dropOverloads: [drop, drop] });
  refused(
    { loadAssignment: { ...assignment('c', []), policy: twice } },
    'load_assignment.policy.drop_overloads: only one category is supported',
  );
  refused(
    { transportSocket: { name: 'tls', configType: undefined } },
    'transport_socket: tls is not supported (only envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer)',
  );
  t.throws(() => createEndpointCompiler().compile('other', bytesOf(ClusterLoadAssignment, assignment('c', []))), {
    message: 'cluster_name: "c" is not the resource\'s name "other"',
  });
  t.end();
});
