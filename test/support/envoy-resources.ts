import { createHash } from 'node:crypto';
import { Cluster, Cluster_DiscoveryType } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { Address, SocketAddress } from '../../src/gen/envoy/config/core/v3/address.ts';
import { AggregatedConfigSource, ApiVersion, ConfigSource } from '../../src/gen/envoy/config/core/v3/config_source.ts';
import { ClusterLoadAssignment } from '../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import { Endpoint, LbEndpoint, LocalityLbEndpoints } from '../../src/gen/envoy/config/endpoint/v3/endpoint_components.ts';
import { Listener } from '../../src/gen/envoy/config/listener/v3/listener.ts';
import { Filter, FilterChain } from '../../src/gen/envoy/config/listener/v3/listener_components.ts';
import { RouteConfiguration } from '../../src/gen/envoy/config/route/v3/route.ts';
import { Route, RouteAction, RouteMatch, VirtualHost } from '../../src/gen/envoy/config/route/v3/route_components.ts';
import { Router } from '../../src/gen/envoy/extensions/filters/http/router/v3/router.ts';
import {
  HttpConnectionManager,
  HttpFilter,
  Rds,
} from '../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { type EncodedResource, TYPE_URLS, type TypeUrl } from '../../src/xds/types.ts';
import { anyOf, bytesOf, message, ms } from './message.ts';
import { encodedResource } from './snapshots.ts';

// The smallest resources that a real Envoy takes over ADS: one HTTP listener whose route comes by RDS, clusters whose endpoints come by EDS.

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ads = message(ConfigSource, {
  configSourceSpecifier: { $case: 'ads', value: message(AggregatedConfigSource, {}) },
  resourceApiVersion: ApiVersion.V3,
});

/** An EDS cluster; `connectTimeoutMs` is there to be changed. */
export function clusterResource(name: string, connectTimeoutMs = 1_000): EncodedResource {
  const bytes = bytesOf(Cluster, {
    name,
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads, serviceName: '' },
    connectTimeout: ms(connectTimeoutMs),
  });
  return hashed(TYPE_URLS.cluster, name, bytes);
}

/** Endpoints on loopback. */
export function endpointResource(name: string, ports: readonly number[]): EncodedResource {
  const lbEndpoints = ports.map((port) =>
    message(LbEndpoint, {
      hostIdentifier: { $case: 'endpoint', value: message(Endpoint, { address: loopback(port) }) },
    }),
  );
  const endpoints = ports.length === 0 ? [] : [message(LocalityLbEndpoints, { lbEndpoints })];
  return hashed(TYPE_URLS.endpoint, name, bytesOf(ClusterLoadAssignment, { clusterName: name, endpoints }));
}

/** An HTTP listener on a free port of loopback whose routes are the RouteConfiguration `routes`. Without filter chains Envoy refuses it. */
export function listenerResource(name: string, routes: string | null): EncodedResource {
  const filters = (routeConfigName: string): Filter[] => {
    const manager = anyOf(HCM, HttpConnectionManager, {
      statPrefix: name,
      routeSpecifier: { $case: 'rds', value: message(Rds, { routeConfigName, configSource: ads }) },
      httpFilters: [
        message(HttpFilter, {
          name: 'router',
          configType: { $case: 'typedConfig', value: anyOf('envoy.extensions.filters.http.router.v3.Router', Router) },
        }),
      ],
    });
    return [message(Filter, { name: 'http', configType: { $case: 'typedConfig', value: manager } })];
  };
  const filterChains = routes === null ? [] : [message(FilterChain, { filters: filters(routes) })];
  return hashed(TYPE_URLS.listener, name, bytesOf(Listener, { name, address: loopback(0), filterChains }));
}

/** Everything under `/<cluster>` goes to that cluster. */
export function routeResource(name: string, clusters: readonly string[]): EncodedResource {
  const routes = clusters.map((cluster) =>
    message(Route, {
      match: message(RouteMatch, { pathSpecifier: { $case: 'prefix', value: `/${cluster}` } }),
      action: { $case: 'route', value: message(RouteAction, { clusterSpecifier: { $case: 'cluster', value: cluster } }) },
    }),
  );
  const virtualHosts = [message(VirtualHost, { name: 'all', domains: ['*'], routes })];
  return hashed(TYPE_URLS.route, name, bytesOf(RouteConfiguration, { name, virtualHosts }));
}

/** A bootstrap that takes everything from one ADS server. */
export function adsBootstrap(options: { node: string; cluster: string; xds: string; delta: boolean }): string {
  const [host, port] = options.xds.split(':');
  return `
node: {id: ${options.node}, cluster: ${options.cluster}}
dynamic_resources:
  ads_config:
    api_type: ${options.delta ? 'DELTA_GRPC' : 'GRPC'}
    transport_api_version: V3
    set_node_on_first_message_only: true
    grpc_services: [{envoy_grpc: {cluster_name: xds}}]
  cds_config: {ads: {}, resource_api_version: V3}
  lds_config: {ads: {}, resource_api_version: V3}
static_resources:
  clusters:
  - name: xds
    type: STATIC
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        '@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
    load_assignment:
      cluster_name: xds
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: ${host}, port_value: ${port}}}}}]}]
`;
}

function loopback(port: number): Address {
  const value = message(SocketAddress, { address: '127.0.0.1', portSpecifier: { $case: 'portValue', value: port } });
  return message(Address, { address: { $case: 'socketAddress', value } });
}

function hashed(typeUrl: TypeUrl, name: string, bytes: Uint8Array): EncodedResource {
  return encodedResource(typeUrl, name, createHash('sha256').update(bytes).digest('hex').slice(0, 12), bytes);
}
