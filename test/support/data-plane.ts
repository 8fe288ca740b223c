import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, formatHostPort, parseHostPort, type Random, seededRandom, systemClock } from '../../src/core/index.ts';
import { AccessLog } from '../../src/gen/envoy/config/accesslog/v3/accesslog.ts';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import { Cluster_CommonLbConfig, Cluster as ClusterMessage } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { Address, SocketAddress } from '../../src/gen/envoy/config/core/v3/address.ts';
import { ConfigSource } from '../../src/gen/envoy/config/core/v3/config_source.ts';
import { Http2ProtocolOptions } from '../../src/gen/envoy/config/core/v3/protocol.ts';
import { SubstitutionFormatString } from '../../src/gen/envoy/config/core/v3/substitution_format_string.ts';
import { ClusterLoadAssignment } from '../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import { Endpoint, LbEndpoint, LocalityLbEndpoints } from '../../src/gen/envoy/config/endpoint/v3/endpoint_components.ts';
import { Listener as ListenerMessage } from '../../src/gen/envoy/config/listener/v3/listener.ts';
import { Filter, FilterChain } from '../../src/gen/envoy/config/listener/v3/listener_components.ts';
import { RouteConfiguration } from '../../src/gen/envoy/config/route/v3/route.ts';
import {
  RetryPolicy,
  RetryPolicy_RetryHostPredicate,
  RetryPolicy_RetryPriority,
  Route,
  RouteAction,
  RouteMatch,
  VirtualHost,
} from '../../src/gen/envoy/config/route/v3/route_components.ts';
import { FileAccessLog } from '../../src/gen/envoy/extensions/access_loggers/file/v3/file.ts';
import { Router } from '../../src/gen/envoy/extensions/filters/http/router/v3/router.ts';
import {
  HttpConnectionManager,
  HttpFilter,
} from '../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { PreviousHostsPredicate } from '../../src/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.ts';
import { PreviousPrioritiesConfig } from '../../src/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.ts';
import { field } from '../../src/http2/index.ts';
import { FileSinks } from '../../src/proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler } from '../../src/proxy/cluster/index.ts';
import { createListenerCompiler, type Listener, type ListenerDeps } from '../../src/proxy/listener/index.ts';
import { createRouteCompiler } from '../../src/proxy/route/index.ts';
import type { RouteTable } from '../../src/proxy/route/types.ts';
import type { RuntimeConfig } from '../../src/proxy/runtime/types.ts';
import { createHostPools } from '../../src/proxy/upstream/index.ts';
import type { Connect } from '../../src/proxy/upstream/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import * as transport from '../../src/transport/index.ts';
import { anyOf, bytesOf, message, ms } from './message.ts';
import { tlsSources } from './tls-sources.ts';

/** The sidecar's data plane without bootstrap and xDS: resources go straight through the compilers. */
export interface DataPlane {
  /** Where it listens. */
  readonly target: string;
  readonly listener: Listener;
  readonly metrics: MetricRegistry;
  cluster(name: string): Cluster;
  /** Value of a counter or gauge by Envoy's dotted name; 0 when nobody counted. */
  stat(name: string): number;
  /** Every access log line so far. */
  log(): string[];
  stop(): Promise<void>;
}

export interface DataPlaneOptions {
  readonly clusters: readonly Partial<ClusterMessage>[];
  readonly routes: readonly Route[];
  readonly manager?: Partial<HttpConnectionManager>;
  readonly directory: string;
  /** Format of the access log; without one Envoy's. */
  readonly format?: string;
  readonly bufferLimit?: number;
  /** Parts other than the real ones. */
  readonly parts?: { readonly clock: Clock; readonly random: Random; readonly connect: Connect; readonly listen: ListenerDeps['listen'] };
}

export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const metrics = new MetricRegistry();
  const { clock, random, connect, listen } = options.parts ?? { clock: systemClock, random: seededRandom(1), ...transport };
  const compiler = createClusterCompiler({
    clock,
    random,
    metrics,
    tlsSources,
    resolveName: transport.resolveName,
    createPool: createHostPools({ clock, connect }),
  });
  const clusters = new Map(
    options.clusters.map((fields) => {
      const { compiled } = compiler.compile(fields.name ?? '', bytesOf(ClusterMessage, fields));
      compiled.start(() => {});
      return [compiled.name, compiled] as const;
    }),
  );
  const hosts = [message(VirtualHost, { name: 'all', domains: ['*'], routes: [...options.routes] })];
  const table = createRouteCompiler().compile('routes', bytesOf(RouteConfiguration, { name: 'routes', virtualHosts: hosts })).compiled;
  const config: RuntimeConfig<RouteTable, Cluster> = { generation: 1, routes: new Map([['routes', table]]), clusters };
  const accessLogs = new FileSinks({ clock, logger: silentLogger });
  const path = join(options.directory, 'access.log');
  const listener = createListenerCompiler({
    clock,
    random,
    metrics,
    accessLogs,
    connect,
    listen,
    logger: silentLogger,
    tlsSources,
    worker: 0,
    drainTimeMs: 1000,
    currentConfig: () => config,
    createRequestId: () => field('x-request-id', 'generated-id'),
  }).compile('listener', listenerBytes(path, options)).compiled;
  await listener.bind(null);
  listener.serve();
  return {
    target: formatHostPort(listener.address),
    listener,
    metrics,
    cluster: (name) => clusters.get(name) as Cluster,
    stat: (name) => {
      const metric = metrics.series().find(({ id }) => id.stat === name)?.metric;
      return metric && 'value' in metric ? metric.value : 0;
    },
    log: () => {
      accessLogs.flush();
      return readFileSync(path, 'latin1').split('\n').slice(0, -1);
    },
    stop: async () => {
      await listener.drain(0);
      for (const cluster of clusters.values()) cluster.close();
      await accessLogs.stop();
    },
  };
}

function listenerBytes(path: string, { manager, format, bufferLimit }: DataPlaneOptions): Uint8Array {
  const logFormat = message(SubstitutionFormatString, { format: { $case: 'textFormat', value: `${format}\n` } });
  const file = anyOf('envoy.extensions.access_loggers.file.v3.FileAccessLog', FileAccessLog, {
    path,
    ...(format === undefined ? {} : { accessLogFormat: { $case: 'logFormat', value: logFormat } }),
  });
  const router = anyOf('envoy.extensions.filters.http.router.v3.Router', Router);
  const http = anyOf('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, {
    statPrefix: 'test',
    routeSpecifier: { $case: 'rds', value: { configSource: ads(), routeConfigName: 'routes' } },
    httpFilters: [message(HttpFilter, { name: 'router', configType: { $case: 'typedConfig', value: router } })],
    accessLog: [message(AccessLog, { name: 'file', configType: { $case: 'typedConfig', value: file } })],
    ...manager,
  });
  const filters = [message(Filter, { name: 'http', configType: { $case: 'typedConfig', value: http } })];
  return bytesOf(ListenerMessage, {
    name: 'listener',
    address: socketAddress('127.0.0.1:0'),
    filterChains: [message(FilterChain, { filters })],
    perConnectionBufferLimitBytes: bufferLimit,
  });
}

function ads(): ConfigSource {
  return message(ConfigSource, { configSourceSpecifier: { $case: 'ads', value: {} } });
}

/** An address of a resource. */
export function socketAddress(text: string): Address {
  const { host, port } = parseHostPort(text);
  const value = message(SocketAddress, { address: host, portSpecifier: { $case: 'portValue', value: port } });
  return message(Address, { address: { $case: 'socketAddress', value } });
}

/** An assignment: each list of addresses is a priority. */
export function assignment(clusterName: string, priorities: readonly (readonly string[])[]): ClusterLoadAssignment {
  const endpoints = priorities.map((addresses, priority) => {
    const lbEndpoints = addresses.map((address) => {
      const value = message(Endpoint, { address: socketAddress(address) });
      return message(LbEndpoint, { hostIdentifier: { $case: 'endpoint', value } });
    });
    return message(LocalityLbEndpoints, { priority, lbEndpoints });
  });
  return message(ClusterLoadAssignment, { clusterName, endpoints });
}

/** A STATIC HTTP/2 cluster as the egress shape has them: no panic, high limits. */
export function http2Cluster(
  name: string,
  priorities: readonly (readonly string[])[],
  more: Partial<ClusterMessage> = {},
): Partial<ClusterMessage> {
  const limits = { maxConnections: 10_000, maxPendingRequests: 10_000, maxRequests: 10_000, maxRetries: 10_000 };
  return {
    name,
    loadAssignment: assignment(name, priorities),
    connectTimeout: ms(250),
    http2ProtocolOptions: message(Http2ProtocolOptions, {}),
    commonLbConfig: message(Cluster_CommonLbConfig, { healthyPanicThreshold: { value: 0 } }),
    circuitBreakers: message(CircuitBreakers, { thresholds: [message(CircuitBreakers_Thresholds, limits)] }),
    ...more,
  };
}

/** A route of every path below `prefix` to a cluster. */
export function routeTo(cluster: string, action: Partial<RouteAction> = {}, prefix = '/'): Route {
  const value = message(RouteAction, { clusterSpecifier: { $case: 'cluster', value: cluster }, ...action });
  const match = message(RouteMatch, { pathSpecifier: { $case: 'prefix', value: prefix } });
  return message(Route, { name: `to-${cluster}`, match, action: { $case: 'route', value } });
}

/** The egress shape's retries. */
export function egressRetries(more: Partial<RetryPolicy> = {}): RetryPolicy {
  const priorities = anyOf('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', PreviousPrioritiesConfig, {
    updateFrequency: 1,
  });
  const hosts = anyOf('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', PreviousHostsPredicate);
  return message(RetryPolicy, {
    retryOn: 'connect-failure,refused-stream,reset,unavailable',
    numRetries: 1,
    retryPriority: message(RetryPolicy_RetryPriority, { name: 'p', configType: { $case: 'typedConfig', value: priorities } }),
    retryHostPredicate: [message(RetryPolicy_RetryHostPredicate, { name: 'h', configType: { $case: 'typedConfig', value: hosts } })],
    hostSelectionRetryMaxAttempts: 3n,
    retryBackOff: { baseInterval: ms(5), maxInterval: ms(50) },
    ...more,
  });
}
