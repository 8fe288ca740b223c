import type { Row } from './types.ts';

/** What the access log of each situation says. */
const LOG_FORMAT = [
  'status: "%RESPONSE_CODE%", flags: "%RESPONSE_FLAGS%", details: "%RESPONSE_CODE_DETAILS%", grpc: "%GRPC_STATUS%"',
  'failure: "%UPSTREAM_TRANSPORT_FAILURE_REASON%", attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%", host: "%UPSTREAM_HOST%"',
  'cluster: "%UPSTREAM_CLUSTER%", received: "%BYTES_RECEIVED%", sent: "%BYTES_SENT%"',
].join(', ');

/**
 * One bootstrap for all situations: a listener, a route and a cluster each, so that none counts where another does. `runtime`: keys of a
 * static layer.
 */
export function bootstrapOf(rows: readonly Row[], ports: ReadonlyMap<string, number>, log: string, runtime?: string): string {
  const each = (text: (row: Row) => string): string => rows.map((row) => `  - ${text(row)}`).join('\n');
  return `
node: { id: conformance, cluster: conformance }
${runtime === undefined ? '' : `layered_runtime: { layers: [{ name: static, static_layer: { ${runtime} } }] }`}
static_resources:
  clusters:
${each((row) => clusterOf(row, ports.get(row.name) as number))}
  listeners:
${each((row) => listenerOf(row, log))}
`;
}

const HTTP2 =
  'typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } } }';

function clusterOf({ name, setup = {} }: Row, port: number): string {
  const { cluster, endpoint = '', assignment } = setup;
  const address = `endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } }`;
  const endpoints = endpoint === null ? '' : `, endpoints: [{ lb_endpoints: [{ ${joined(address, endpoint)} }] }]`;
  return `{ ${joined(`name: ${name}, ${HTTP2}`, cluster)}, load_assignment: { ${joined(`cluster_name: ${name}${endpoints}`, assignment)} } }`;
}

function listenerOf({ name, setup = {} }: Row, log: string): string {
  const { action, route, host, manager } = setup;
  const target = route ?? `route: { ${joined(action?.includes('cluster:') ? '' : `cluster: ${name}`, action)} }`;
  const routes = `route_config: { name: ${name}, validate_clusters: false, virtual_hosts: [{ ${joined(`name: all, domains: ["*"], routes: [{ match: { prefix: /${name} }, ${target} }]`, host)} }] }`;
  const router = '{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }';
  const accessLog = `{ name: file, typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: "${log}", log_format: { json_format: { ${LOG_FORMAT}, row: ${name} } } } }`;
  const type = '"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  const config = joined(`${type}, stat_prefix: ${name}, ${routes}, http_filters: [${router}], access_log: [${accessLog}]`, manager);
  return `{ name: ${name}, address: { socket_address: { address: 127.0.0.1, port_value: 0 } }, filter_chains: [{ filters: [{ name: hcm, typed_config: { ${config} } }] }] }`;
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}
