// What both bootstraps are made of, as the canonical JSON of Envoy's messages.
import { isIP } from 'node:net';
import { formatHostPort, type HostPort, RingwayError } from '../../../core/index.ts';
import { formatProblem, type Json, readMessage } from '../../../envoy/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import { hostOr } from './address.ts';

type JsonObject = { readonly [key: string]: Json };

/** Turns the JSON into the message, by the reader that checks other people's bootstraps. */
export function toBootstrap(json: Json): Bootstrap {
  const { message, errors } = readMessage('envoy.config.bootstrap.v3.Bootstrap', JSON.stringify(json), {
    file: 'composed',
    format: 'json',
  });
  if (errors[0]) throw new Error(`composed a bad bootstrap: ${formatProblem(errors[0])}`);
  return message;
}

/** True for a literal address, false for a name. */
export function ip(host: string): boolean {
  return isIP(host) !== 0;
}

export function nodeJson({ id, cluster, zone }: { id: string | undefined; cluster: string; zone: string | undefined }): JsonObject {
  return { ...(id ? { id } : {}), cluster, ...(zone ? { locality: { zone } } : {}) };
}

export function addressJson({ host, port }: HostPort): Json {
  return { socket_address: { address: host, port_value: port } };
}

export function adminJson(address: HostPort): Json {
  return { address: addressJson(address) };
}

/** A cluster of one address that speaks HTTP/2. */
export function cluster(name: string, address: HostPort, http2: JsonObject = {}): JsonObject {
  const options = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: http2 },
  };
  return {
    name,
    type: ip(address.host) ? 'STATIC' : 'STRICT_DNS',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: addressJson(address) } }] }] },
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
  };
}

/** The cluster that reaches control. `waits`: a name is resolved before the listeners start; else they need not wait for DNS. */
export function xdsCluster(control: HostPort, { waits }: { readonly waits: boolean }): Json {
  const address = hostOr(control, '127.0.0.1');
  if (address.port === 0)
    throw new RingwayError(`--control ${formatHostPort(address)}: a port to connect to is 1 to 65535`, { code: 'BAD_ADDRESS' });
  return {
    ...cluster('xds', address, { connection_keepalive: { interval: '30s', timeout: '5s' } }),
    connect_timeout: '1s',
    ...(waits || ip(address.host) ? {} : { wait_for_warm_on_init: false }),
  };
}

/** One delta stream; after a loss it is back within seconds, not the half minute of Envoy's default. */
export function adsJson(): Json {
  const again = { retry_back_off: { base_interval: '0.250s', max_interval: '5s' } };
  return {
    api_type: 'DELTA_GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds', retry_policy: again } }],
  };
}
