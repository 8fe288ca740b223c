import type { Certificates, Site } from '../ends.ts';
import type { Door } from '../loads.ts';
import type { StartOptions } from './types.ts';

/** Ports of a proxy that takes Envoy's bootstrap. */
export interface EnvoyPorts extends Readonly<Record<Door, number>> {
  readonly admin: number;
}

/** `minimal` is what costs Envoy least; `full` is what Ringway always runs with. */
export type Features = 'minimal' | 'full';

const V3 = 'type.googleapis.com/envoy';
const LIMIT = 100_000;

/** The bootstrap of Ringway and of both Envoys, from one description. */
export function envoyConfig({ site, doors, xdsPort }: StartOptions, ports: EnvoyPorts, features: Features): object {
  return {
    node: { id: 'bench', cluster: 'ring/view' },
    admin: { address: socketAddress(ports.admin) },
    ...(features === 'minimal' ? { stats_config: { stats_matcher: { reject_all: true } } } : {}),
    ...(xdsPort === undefined ? {} : { dynamic_resources: adsResources() }),
    static_resources: {
      listeners: doors.map((door) => listener(site, ports, door, features)),
      clusters: [
        cluster('backend', site.backendPort),
        cluster('grpc', site.grpcBackendPort),
        ...(xdsPort === undefined ? [] : [cluster('xds', xdsPort)]),
        ...(doors.includes('mtls')
          ? [{ ...cluster('secure', site.backendTlsPort), transport_socket: upstreamTls(site.certificates) }]
          : []),
      ],
    },
  };
}

function adsResources(): object {
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  return {
    ads_config: { api_type: 'DELTA_GRPC', transport_api_version: 'V3', grpc_services: services },
    cds_config: { ads: {}, resource_api_version: 'V3' },
  };
}

function listener(site: Site, ports: EnvoyPorts, door: Door, features: Features): object {
  const manager = typed('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: door,
    route_config: {
      name: door,
      virtual_hosts: [
        { name: 'bench', domains: ['bench.internal', 'bench.internal:*'], routes: routes(door, features) },
        ...strangers(features),
      ],
    },
    http_filters: [{ name: 'router', typed_config: typed('extensions.filters.http.router.v3.Router', routerFields(features)) }],
    ...(features === 'minimal' ? { generate_request_id: false } : { generate_request_id: true, access_log: [accessLog()] }),
  });
  const filters = [{ name: 'http', typed_config: manager }];
  const transport = door === 'plain' ? {} : { transport_socket: downstreamTls(site.certificates, door === 'mtls') };
  return { name: door, address: socketAddress(ports[door]), filter_chains: [{ filters, ...transport }] };
}

function routerFields(features: Features): object {
  return features === 'minimal' ? { suppress_envoy_headers: true } : {};
}

/** Hosts that no call asks for: a table of one is no table. */
function strangers(features: Features): object[] {
  if (features === 'minimal') return [];
  return Array.from({ length: 8 }, (_, index) => ({
    name: `live-store-${index}`,
    domains: [`10.0.0.${index + 1}:9095`],
    routes: [route('/', 'backend', features)],
  }));
}

function routes(door: Door, features: Features): object[] {
  const cluster = door === 'mtls' ? 'secure' : 'backend';
  if (features === 'minimal') return [route('/bench.Grpc/', 'grpc', features), route('/', cluster, features)];
  return [
    route('/tempopb.Querier/', cluster, features),
    route('/opentelemetry.proto.collector.trace.v1.TraceService/', cluster, features),
    route('/bench.Grpc/', 'grpc', features),
    route('/bench.Engine/', cluster, features),
  ];
}

function route(prefix: string, cluster: string, features: Features): object {
  const rules =
    features === 'minimal'
      ? { timeout: '0s' }
      : {
          timeout: '30s',
          max_stream_duration: { grpc_timeout_header_max: '60s' },
          retry_policy: { retry_on: 'connect-failure,refused-stream,unavailable', num_retries: 1 },
        };
  return { match: { prefix }, route: { cluster, ...rules } };
}

function accessLog(): object {
  const fields = {
    start_time: '%START_TIME%',
    method: '%REQ(:METHOD)%',
    path: '%REQ(:PATH)%',
    authority: '%REQ(:AUTHORITY)%',
    request_id: '%REQ(X-REQUEST-ID)%',
    code: '%RESPONSE_CODE%',
    flags: '%RESPONSE_FLAGS%',
    grpc_status: '%GRPC_STATUS%',
    bytes_received: '%BYTES_RECEIVED%',
    bytes_sent: '%BYTES_SENT%',
    duration: '%DURATION%',
    upstream: '%UPSTREAM_HOST%',
    cluster: '%UPSTREAM_CLUSTER%',
  };
  const config = typed('extensions.access_loggers.file.v3.FileAccessLog', { path: '/dev/null', log_format: { json_format: fields } });
  return { name: 'file', typed_config: config };
}

function cluster(name: string, port: number): object {
  const http2 = typed('extensions.upstreams.http.v3.HttpProtocolOptions', { explicit_http_config: { http2_protocol_options: {} } });
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
    circuit_breakers: { thresholds: [{ max_connections: LIMIT, max_pending_requests: LIMIT, max_requests: LIMIT, max_retries: LIMIT }] },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port) } }] }] },
  };
}

function downstreamTls({ ca, server }: Certificates, mutual: boolean): object {
  const trust = mutual ? { validation_context: { trusted_ca: { filename: ca } } } : {};
  return transportSocket('DownstreamTlsContext', {
    ...(mutual ? { require_client_certificate: true } : {}),
    common_tls_context: { alpn_protocols: ['h2'], tls_certificates: [files(server)], ...trust },
  });
}

function upstreamTls({ ca, client }: Certificates): object {
  return transportSocket('UpstreamTlsContext', {
    sni: 'bench.internal',
    common_tls_context: {
      alpn_protocols: ['h2'],
      // Envoy's client stops at 1.2 unless told
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificates: [files(client)],
      validation_context: { trusted_ca: { filename: ca } },
    },
  });
}

function files(pair: Certificates['server']): object {
  return { certificate_chain: { filename: pair.certificate }, private_key: { filename: pair.key } };
}

function transportSocket(context: string, fields: object): object {
  return { name: 'envoy.transport_sockets.tls', typed_config: typed(`extensions.transport_sockets.tls.v3.${context}`, fields) };
}

function typed(type: string, fields: object): object {
  return { '@type': `${V3}.${type}`, ...fields };
}

function socketAddress(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
