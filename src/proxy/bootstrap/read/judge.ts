// What Envoy checks in a bootstrap beyond fields and constraints, and what a Ringway sidecar leaves out of it.
import { type Place, type Problem, problemAt } from '../../../envoy/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import {
  type ApiConfigSource,
  ApiConfigSource_ApiType as ApiType,
  type ConfigSource,
} from '../../../gen/envoy/config/core/v3/config_source.ts';
import { idleOverloadParts } from './overload.ts';

/** Sections that are taken and do nothing. */
const WITHOUT_EFFECT: Readonly<Partial<Record<keyof Bootstrap, string>>> = {
  hdsConfig: 'hds_config',
  flagsPath: 'flags_path',
  statsSinks: 'stats_sinks',
  watchdog: 'watchdog',
  watchdogs: 'watchdogs',
  tracing: 'tracing',
  dnsResolutionConfig: 'dns_resolution_config',
  typedDnsResolverConfig: 'typed_dns_resolver_config',
  bootstrapExtensions: 'bootstrap_extensions',
  fatalActions: 'fatal_actions',
  configSources: 'config_sources',
  defaultConfigSource: 'default_config_source',
  defaultSocketInterface: 'default_socket_interface',
  certificateProviderInstances: 'certificate_provider_instances',
  inlineHeaders: 'inline_headers',
  perfTracingFilePath: 'perf_tracing_file_path',
  xdsDelegateExtension: 'xds_delegate_extension',
  xdsConfigTrackerExtension: 'xds_config_tracker_extension',
  applicationLogConfig: 'application_log_config',
  memoryAllocatorManager: 'memory_allocator_manager',
};

interface Judged {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Judges a bootstrap whose fields and constraints are right. */
export function judge(bootstrap: Bootstrap, places: ReadonlyMap<string, Place>): Judged {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const note =
    (list: Problem[]): Note =>
    (path, text) => {
      list.push(problemAt(places, path, text));
    };
  judgeNames(bootstrap, note(errors));
  judgeXds(bootstrap, note(errors), note(warnings));
  judgeSections(bootstrap, note(errors), note(warnings));
  return { errors, warnings };
}

type Note = (path: string, text: string) => void;

function judgeNames({ staticResources }: Bootstrap, error: Note): void {
  const clusters = new Set<string>();
  for (const [index, { name }] of (staticResources?.clusters ?? []).entries()) {
    if (clusters.has(name)) error(`static_resources.clusters[${index}].name`, `cluster manager: duplicate cluster '${name}'`);
    clusters.add(name);
  }
  const listeners = new Set<string>();
  for (const [index, { name }] of (staticResources?.listeners ?? []).entries()) {
    if (name !== '' && listeners.has(name)) error(`static_resources.listeners[${index}].name`, `duplicate listener '${name}'`);
    listeners.add(name);
  }
}

function judgeXds(bootstrap: Bootstrap, error: Note, warning: Note): void {
  const { dynamicResources: dynamic, node } = bootstrap;
  if (!dynamic) return;
  const sources = [
    ['cds_config', dynamic.cdsConfig],
    ['lds_config', dynamic.ldsConfig],
  ] as const;
  const apis: (readonly [string, ApiConfigSource])[] = dynamic.adsConfig ? [['ads_config', dynamic.adsConfig]] : [];
  for (const [name, source] of sources) {
    const specifier = source?.configSourceSpecifier;
    if (specifier?.$case === 'apiConfigSource') apis.push([`${name}.api_config_source`, specifier.value]);
    if (specifier?.$case === 'ads' && !dynamic.adsConfig) {
      warning(`dynamic_resources.${name}.ads`, 'there is no ads_config: this is never answered');
    }
  }
  for (const [name, api] of apis) judgeApi(bootstrap, api, `dynamic_resources.${name}`, error);
  if (apis.length > 0 && (!node?.id || !node.cluster)) {
    error(
      'node',
      "ads: node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.",
    );
  }
  if (dynamic.ldsResourcesLocator !== '')
    error('dynamic_resources.lds_resources_locator', 'xdstp resources are not supported; use lds_config');
  if (dynamic.cdsResourcesLocator !== '')
    error('dynamic_resources.cds_resources_locator', 'xdstp resources are not supported; use cds_config');
}

function judgeApi({ staticResources }: Bootstrap, api: ApiConfigSource, path: string, error: Note): void {
  if (api.apiType !== ApiType.GRPC && api.apiType !== ApiType.DELTA_GRPC) {
    error(`${path}.api_type`, 'not supported here; allowed: GRPC, DELTA_GRPC');
  }
  for (const [index, { targetSpecifier: target }] of api.grpcServices.entries()) {
    if (target?.$case !== 'envoyGrpc') continue;
    const name = target.value.clusterName;
    const cluster = staticResources?.clusters.find((candidate) => candidate.name === name);
    const at = `${path}.grpc_services[${index}].envoy_grpc.cluster_name`;
    if (!cluster) error(at, `Unknown gRPC client cluster '${name}'`);
    else if (usesXds(cluster.edsClusterConfig?.edsConfig)) error(at, `gRPC client cluster '${name}' is not static`);
  }
}

function usesXds(source: ConfigSource | undefined): boolean {
  const kind = source?.configSourceSpecifier?.$case;
  return kind === 'ads' || kind === 'apiConfigSource' || kind === 'self';
}

function judgeSections(bootstrap: Bootstrap, error: Note, warning: Note): void {
  if (bootstrap.headerPrefix !== '' && bootstrap.headerPrefix !== 'x-envoy') {
    error('header_prefix', `'${bootstrap.headerPrefix}' is not supported; allowed: x-envoy`);
  }
  for (const [index, { layerSpecifier }] of (bootstrap.layeredRuntime?.layers ?? []).entries()) {
    if (layerSpecifier?.$case === 'rtdsLayer') warning(`layered_runtime.layers[${index}].rtds_layer`, 'has no effect in ringway sidecar');
  }
  for (const part of bootstrap.overloadManager ? idleOverloadParts(bootstrap.overloadManager) : [])
    warning(part, 'has no effect in ringway sidecar');
  for (const [property, name] of Object.entries(WITHOUT_EFFECT)) {
    if (isSet(bootstrap[property as keyof Bootstrap])) warning(name, 'has no effect in ringway sidecar');
  }
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return value !== undefined && value !== '';
}
