import { systemClock, systemRandom } from '../../src/core/index.ts';
import { loadBootstrap } from '../../src/proxy/bootstrap/index.ts';
import { LevelSwitch } from '../../src/roles/sidecar/level-switch.ts';
import { createSidecar, type SidecarOptions, type SidecarRole } from '../../src/roles/sidecar.ts';
import type { Logger } from '../../src/telemetry/index.ts';
import { type Snapshot, TYPE_URLS } from '../../src/xds/types.ts';
import { yamlBytes } from './fake-admin-source.ts';
import { LogRecorder } from './recording-logger.ts';
import { encodedResource, resourceSet } from './snapshots.ts';

/** A sidecar in this process, with its admin pages on a free port. */
export interface TestSidecar {
  readonly role: SidecarRole;
  readonly log: LogRecorder;
  /** A page of the admin interface as text. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** Resolves when the page says what `test` wants. */
  until(path: string, test: (body: string) => boolean): Promise<string>;
  /** host:port of a bound listener. */
  listener(name: string): string;
}

/** Builds and starts a sidecar from a bootstrap in YAML. */
export async function startSidecar(yaml: string, options: Partial<SidecarOptions> = {}): Promise<TestSidecar> {
  const log = new LogRecorder();
  const sidecar = await buildSidecar(yaml, log.logger, options);
  await sidecar.start();
  const admin = async (path: string, method: 'GET' | 'POST' = 'GET'): Promise<string> =>
    (await fetch(`http://${sidecar.addresses.admin}${path}`, { method })).text();
  return {
    role: sidecar,
    log,
    admin,
    async until(path, test) {
      for (;;) {
        const body = await admin(path);
        if (test(body)) return body;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    listener(name) {
      const found = sidecar.listeners.find((listener) => listener.name === name);
      if (!found) throw new Error(`no listener ${name} is bound`);
      return `${found.address.host}:${found.address.port}`;
    },
  };
}

function forkWorker(): never {
  throw new Error('a sidecar in this process has no workers');
}

/** Compiles a bootstrap; nothing is started. */
async function buildSidecar(yaml: string, logger: Logger, options: Partial<SidecarOptions> = {}): Promise<SidecarRole> {
  const { bootstrap } = await loadBootstrap({ configYaml: yaml });
  const defaults = { version: '0.1.0', commandLine: {}, concurrency: 1, drainTimeMs: 2_000, stateDir: null, probe: null };
  return createSidecar(
    { bootstrap, ...defaults, ...options },
    { clock: systemClock, random: systemRandom, logger, levels: new LevelSwitch('off'), environment: {}, forkWorker },
  );
}

/** A bootstrap that takes everything over ADS from `xds`. */
export function adsBootstrap(
  xds: string,
  more: { readonly fetchTimeout?: string; readonly apiType?: string; readonly statics?: string } = {},
): string {
  const [host, port] = xds.split(':');
  const source = `{ ads: {}, resource_api_version: V3, initial_fetch_timeout: ${more.fetchTimeout ?? '15s'} }`;
  return `
node: { id: test, cluster: ring/view }
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
dynamic_resources:
  ads_config:
    api_type: ${more.apiType ?? 'DELTA_GRPC'}
    transport_api_version: V3
    grpc_services: [{ envoy_grpc: { cluster_name: xds, retry_policy: { retry_back_off: { base_interval: 0.05s, max_interval: 0.1s } } } }]
  cds_config: ${source}
  lds_config: ${source}
static_resources:
  clusters:
  - { ${HTTP2}, name: xds, load_assignment: { cluster_name: xds, endpoints: [{ lb_endpoints: [{ endpoint: ${endpoint(host ?? '', Number(port))} }] }] } }
${more.statics ?? ''}`;
}

const HTTP2 =
  'typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } } }';

const endpoint = (host: string, port: number): string => `{ address: { socket_address: { address: "${host}", port_value: ${port} } } }`;

/** YAML of an HTTP/2 cluster: EDS without `to`, else STATIC. */
export function clusterYaml(name: string, to?: string): string {
  if (to === undefined) return `{ ${HTTP2}, name: ${name}, type: EDS, eds_cluster_config: { eds_config: { ads: {} } } }`;
  return `{ ${HTTP2}, name: ${name}, load_assignment: ${assignmentYaml(name, to)} }`;
}

export function assignmentYaml(name: string, to: string): string {
  const [host, port] = to.split(':');
  return `{ cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: ${endpoint(host ?? '', Number(port))} }] }] }`;
}

/** YAML of a listener that routes to a cluster (inline) or by an RDS name. */
export function listenerYaml(
  name: string,
  port: number,
  to: { readonly cluster: string } | { readonly rds: string },
  host = '127.0.0.1',
): string {
  const routes =
    'rds' in to
      ? `rds: { route_config_name: ${to.rds}, config_source: { ads: {} } }`
      : `route_config: { name: inline, virtual_hosts: [{ name: all, domains: ["*"], routes: [${routeYaml(to.cluster)}] }] }`;
  return `{ name: ${name}, address: { socket_address: { address: "${host}", port_value: ${port} } }, filter_chains: [{ filters: [{ name: hcm, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: ${name}, ${routes}, http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }] } }] }] }`;
}

function routeYaml(cluster: string): string {
  return `{ match: { prefix: / }, route: { cluster: ${cluster}, timeout: 0s } }`;
}

export function routesYaml(name: string, cluster: string): string {
  return `{ name: ${name}, virtual_hosts: [{ name: all, domains: ["*"], routes: [${routeYaml(cluster)}] }] }`;
}

const KINDS = {
  cluster: 'envoy.config.cluster.v3.Cluster',
  endpoint: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'envoy.config.listener.v3.Listener',
  route: 'envoy.config.route.v3.RouteConfiguration',
} as const;

/** A snapshot of resources in YAML, by name. Its versions are the texts' own. */
export function yamlSnapshot(resources: Partial<Record<keyof typeof KINDS, Readonly<Record<string, string>>>>): Snapshot {
  const types = (Object.keys(KINDS) as (keyof typeof KINDS)[]).map((kind) => {
    const entries = Object.entries(resources[kind] ?? {});
    const encoded = entries.map(([name, yaml]) => encodedResource(TYPE_URLS[kind], name, digest(yaml), yamlBytes(KINDS[kind], yaml)));
    return [TYPE_URLS[kind], resourceSet(encoded)] as const;
  });
  return { version: digest(JSON.stringify(resources)), types: new Map(types) };
}

function digest(text: string): string {
  let hash = 5381;
  for (const char of text) hash = (hash * 33 + char.charCodeAt(0)) >>> 0;
  return hash.toString(36);
}
