// A large configuration as control sends it: what apply.bench.ts takes.
import { create, encodeMessage, type MessageName, type MessageValue, packAny } from '../../src/envoy/index.ts';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import { Cluster, Cluster_EdsClusterConfig } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { OutlierDetection } from '../../src/gen/envoy/config/cluster/v3/outlier_detection.ts';
import { Address, SocketAddress } from '../../src/gen/envoy/config/core/v3/address.ts';
import { AggregatedConfigSource, ConfigSource } from '../../src/gen/envoy/config/core/v3/config_source.ts';
import { Http2ProtocolOptions } from '../../src/gen/envoy/config/core/v3/protocol.ts';
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
import {
  HttpProtocolOptions,
  HttpProtocolOptions_ExplicitHttpConfig,
} from '../../src/gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { DiscoveryResponse } from '../../src/gen/envoy/service/discovery/v3/discovery.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const source = create(ConfigSource, {
  configSourceSpecifier: { $case: 'ads', value: create(AggregatedConfigSource) },
  resourceApiVersion: 2,
});

/** `count` clusters with endpoints by EDS, circuit breakers and outlier detection; `content` is in each of them. */
export function clusterResponse(count: number, content: string, version: string = content): Uint8Array {
  const options = create(HttpProtocolOptions, {
    upstreamProtocolOptions: {
      $case: 'explicitHttpConfig',
      value: create(HttpProtocolOptions_ExplicitHttpConfig, {
        protocolConfig: { $case: 'http2ProtocolOptions', value: create(Http2ProtocolOptions) },
      }),
    },
  });
  const clusters = Array.from({ length: count }, (_, index) =>
    create(Cluster, {
      name: nameOf(index),
      clusterDiscoveryType: { $case: 'type', value: 3 },
      edsClusterConfig: create(Cluster_EdsClusterConfig, { edsConfig: source }),
      connectTimeout: { seconds: BigInt(content), nanos: 0 },
      circuitBreakers: create(CircuitBreakers, {
        thresholds: [create(CircuitBreakers_Thresholds, { maxConnections: 100, maxRequests: 1000 })],
      }),
      outlierDetection: create(OutlierDetection, { consecutive5xx: 5 }),
      typedExtensionProtocolOptions: new Map([[OPTIONS, packAny(OPTIONS, options)]]),
    }),
  );
  return response('envoy.config.cluster.v3.Cluster', clusters, version);
}

/** Two endpoints for each cluster. */
export function endpointResponse(count: number, content: string): Uint8Array {
  const assignments = Array.from({ length: count }, (_, index) =>
    create(ClusterLoadAssignment, {
      clusterName: nameOf(index),
      endpoints: [1, 2].map((priority) =>
        create(LocalityLbEndpoints, {
          priority: priority - 1,
          lbEndpoints: [
            create(LbEndpoint, {
              hostIdentifier: {
                $case: 'endpoint',
                value: create(Endpoint, {
                  address: create(Address, {
                    address: {
                      $case: 'socketAddress',
                      value: create(SocketAddress, {
                        address: `10.${content}.${index >> 8}.${index & 255}`,
                        portSpecifier: { $case: 'portValue', value: 9000 + priority },
                      }),
                    },
                  }),
                }),
              },
            }),
          ],
        }),
      ),
    }),
  );
  return response('envoy.config.endpoint.v3.ClusterLoadAssignment', assignments, content);
}

/** One listener with routes by RDS. */
export function listenerResponse(version: string): Uint8Array {
  const manager = create(HttpConnectionManager, {
    statPrefix: 'egress',
    routeSpecifier: { $case: 'rds', value: create(Rds, { configSource: source, routeConfigName: 'routes' }) },
    httpFilters: [
      create(HttpFilter, {
        name: 'envoy.filters.http.router',
        configType: { $case: 'typedConfig', value: packAny('envoy.extensions.filters.http.router.v3.Router', create(Router)) },
      }),
    ],
  });
  const typed = packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', manager);
  const socket = create(SocketAddress, { address: '127.0.0.1', portSpecifier: { $case: 'portValue', value: 0 } });
  const listener = create(Listener, {
    name: 'egress',
    address: create(Address, { address: { $case: 'socketAddress', value: socket } }),
    filterChains: [create(FilterChain, { filters: [create(Filter, { name: 'hcm', configType: { $case: 'typedConfig', value: typed } })] })],
  });
  return response('envoy.config.listener.v3.Listener', [listener], version);
}

/** One virtual host and one route for each cluster. */
export function routeResponse(count: number, version: string): Uint8Array {
  const virtualHosts = Array.from({ length: count }, (_, index) =>
    create(VirtualHost, {
      name: nameOf(index),
      domains: [`${nameOf(index)}.example`, `${nameOf(index)}.example:*`],
      routes: [
        create(Route, {
          match: create(RouteMatch, { pathSpecifier: { $case: 'prefix', value: '/' } }),
          action: {
            $case: 'route',
            value: create(RouteAction, {
              clusterSpecifier: { $case: 'cluster', value: nameOf(index) },
              timeout: { seconds: 5n, nanos: 0 },
            }),
          },
        }),
      ],
    }),
  );
  return response('envoy.config.route.v3.RouteConfiguration', [create(RouteConfiguration, { name: 'routes', virtualHosts })], version);
}

function nameOf(index: number): string {
  return `live-store-zone-a-${index}`;
}

function response<Name extends MessageName>(name: Name, messages: readonly MessageValue<Name>[], version: string): Uint8Array {
  const resources = messages.map((message) => packAny(name, message));
  return encodeMessage(
    'envoy.service.discovery.v3.DiscoveryResponse',
    create(DiscoveryResponse, { typeUrl: `type.googleapis.com/${name}`, versionInfo: version, nonce: version, resources }),
  );
}
