import { type HostPort, RingwayError } from '../../core/index.ts';
import { durationMs, encodeMessage, type Json, messageToJson } from '../../envoy/index.ts';
import type { Bootstrap } from '../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import type { Address } from '../../gen/envoy/config/core/v3/address.ts';
import type { BackoffStrategy } from '../../gen/envoy/config/core/v3/backoff.ts';
import { BuildVersion, Node } from '../../gen/envoy/config/core/v3/base.ts';
import { type ApiConfigSource, ApiConfigSource_ApiType, type ConfigSource } from '../../gen/envoy/config/core/v3/config_source.ts';
import { type LimitsPlan, planLimits } from './limits-plan.ts';
import type { NamedResource } from './resource-table.ts';

const DEFAULT_BACKOFF = { baseMs: 500, maxMs: 30_000 };
const DEFAULT_FETCH_TIMEOUT_MS = 15_000;

/** Where a wildcard subscription comes from. */
export type FeedPlan =
  | { readonly kind: 'ads'; readonly initialFetchTimeoutMs: number }
  | { readonly kind: 'path'; readonly path: string; readonly watchedDirectory: string | null; readonly initialFetchTimeoutMs: number };

/** The ADS stream. */
export interface AdsPlan {
  /** A static cluster. */
  readonly cluster: string;
  /** `:authority`: `envoy_grpc.authority`, or the cluster's name. */
  readonly authority: string;
  /** `initial_metadata`, names in lower case. */
  readonly metadata: readonly { readonly name: string; readonly value: string }[];
  readonly variant: 'delta' | 'sotw';
  readonly setNodeOnFirstMessageOnly: boolean;
  /** `envoy_grpc.retry_policy.retry_back_off`; Envoy's 500 ms to 30 s unless given. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
}

/** What a bootstrap asks for, in plain values: what to compile, what to subscribe to, who we are. */
export interface BootstrapPlan {
  readonly clusters: readonly NamedResource[];
  readonly listeners: readonly NamedResource[];
  /** null: no ads_config. */
  readonly ads: AdsPlan | null;
  readonly cds: FeedPlan | null;
  readonly lds: FeedPlan | null;
  /** With our user agent. */
  readonly node: Node;
  readonly limits: LimitsPlan;
  /** null: no admin interface. */
  readonly admin: HostPort | null;
  /** The bootstrap and its node in canonical JSON, for /config_dump and /server_info. */
  readonly json: { readonly bootstrap: Json; readonly node: Json };
}

/** Reads a checked bootstrap. Throws RingwayError `CONFIG` for a source of configuration that is not supported. */
export function planBootstrap(bootstrap: Bootstrap, version: string): BootstrapPlan {
  const { staticResources, dynamicResources, admin } = bootstrap;
  const node = describedNode(bootstrap.node, version);
  const ads = dynamicResources?.adsConfig ? adsPlan(dynamicResources.adsConfig) : null;
  return {
    clusters: (staticResources?.clusters ?? []).map((cluster) => ({
      name: cluster.name,
      version: '',
      value: encodeMessage('envoy.config.cluster.v3.Cluster', cluster),
    })),
    listeners: (staticResources?.listeners ?? []).map((listener, index) => {
      // Envoy makes a name up, too: the resource must have one to be told from others.
      const name = listener.name === '' ? `static_listener_${index}` : listener.name;
      return { name, version: '', value: encodeMessage('envoy.config.listener.v3.Listener', { ...listener, name }) };
    }),
    ads,
    cds: feedPlan('dynamic_resources.cds_config', dynamicResources?.cdsConfig, ads),
    lds: feedPlan('dynamic_resources.lds_config', dynamicResources?.ldsConfig, ads),
    node,
    limits: planLimits(bootstrap),
    admin: admin?.address ? hostPortOf('admin.address', admin.address) : null,
    json: {
      bootstrap: messageToJson('envoy.config.bootstrap.v3.Bootstrap', { ...bootstrap, node }),
      node: messageToJson('envoy.config.core.v3.Node', node),
    },
  };
}

function adsPlan(config: ApiConfigSource): AdsPlan {
  const field = 'dynamic_resources.ads_config';
  const service = config.grpcServices[0];
  const target = service?.targetSpecifier;
  if (target?.$case !== 'envoyGrpc') throw unsupported(`${field}.grpc_services[0]: only envoy_grpc is supported`);
  const isDelta = config.apiType === ApiConfigSource_ApiType.DELTA_GRPC;
  if (!isDelta && config.apiType !== ApiConfigSource_ApiType.GRPC)
    throw unsupported(`${field}.api_type: only GRPC and DELTA_GRPC are supported`);
  return {
    cluster: target.value.clusterName,
    authority: target.value.authority || target.value.clusterName,
    metadata: (service?.initialMetadata ?? []).map(({ key, value }) => ({ name: key.toLowerCase(), value })),
    variant: isDelta ? 'delta' : 'sotw',
    setNodeOnFirstMessageOnly: config.setNodeOnFirstMessageOnly,
    backoff: backoffOf(target.value.retryPolicy?.retryBackOff),
  };
}

/** BackoffStrategy.max_interval is ten times the base unless given (config/core/v3/backoff.proto). */
function backoffOf(strategy: BackoffStrategy | undefined): AdsPlan['backoff'] {
  const baseMs = durationMs(strategy?.baseInterval);
  if (baseMs === undefined) return DEFAULT_BACKOFF;
  return { baseMs, maxMs: durationMs(strategy?.maxInterval) ?? baseMs * 10 };
}

/** null without a source, and, as in Envoy, for one over ADS when there is no ads_config. */
function feedPlan(field: string, source: ConfigSource | undefined, ads: AdsPlan | null): FeedPlan | null {
  if (!source) return null;
  const initialFetchTimeoutMs = durationMs(source.initialFetchTimeout) ?? DEFAULT_FETCH_TIMEOUT_MS;
  const specifier = source.configSourceSpecifier;
  switch (specifier?.$case) {
    case 'ads':
      return ads && { kind: 'ads', initialFetchTimeoutMs };
    case 'path':
      return { kind: 'path', path: specifier.value, watchedDirectory: null, initialFetchTimeoutMs };
    case 'pathConfigSource': {
      const { path, watchedDirectory } = specifier.value;
      return { kind: 'path', path, watchedDirectory: watchedDirectory?.path ?? null, initialFetchTimeoutMs };
    }
    default:
      throw unsupported(`${field}: only ads and path_config_source are supported`);
  }
}

function describedNode(node: Node | undefined, version: string): Node {
  const known = node ?? Node.decode(new Uint8Array());
  if (known.userAgentName !== '') return known;
  const [majorNumber = 0, minorNumber = 0, patch = 0] = version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  const build = { ...BuildVersion.decode(new Uint8Array()), version: { majorNumber, minorNumber, patch } };
  return { ...known, userAgentName: 'ringway', userAgentVersionType: { $case: 'userAgentBuildVersion', value: build } };
}

function hostPortOf(field: string, address: Address): HostPort {
  const socket = address.address?.$case === 'socketAddress' ? address.address.value : undefined;
  if (socket?.portSpecifier?.$case !== 'portValue') throw unsupported(`${field}: only a socket_address with port_value is supported`);
  return { host: socket.address, port: socket.portSpecifier.value };
}

function unsupported(message: string): RingwayError {
  return new RingwayError(message, { code: 'CONFIG' });
}
