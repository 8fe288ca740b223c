import type { Json } from '../../../envoy/index.ts';
import { TYPE_URLS, type TypeUrl } from '../../../xds/types.ts';
import type { Entry, ErrorState, RuntimeResources, Version } from '../../runtime/index.ts';
import type { Late } from '../json-pieces.ts';
import { inlineRoutes } from './inline-routes.ts';
import { redacted } from './redact.ts';
import { resourceJson, timeJson } from './resource-json.ts';

/** One part of a dump, e.g. ClustersConfigDump: its type and its fields. Elements of lists are made when they are written. */
export interface DumpPart {
  readonly type: string;
  readonly fields: Readonly<Record<string, Json | readonly Late<Json>[]>>;
}

/** What `/config_dump` is made of. */
export interface DumpSource {
  /** The bootstrap in canonical JSON, node included; secrets are redacted here. */
  readonly bootstrap: Json;
  /** Unix ms when the bootstrap was read. */
  readonly bootstrapAtMs: number;
  resources(): RuntimeResources;
}

const ADMIN = 'type.googleapis.com/envoy.admin.v3.';

/** The parts of `/config_dump` in Envoy's order (envoy.admin.v3.ConfigDump). */
export function dumpParts(source: DumpSource, options: { readonly withEndpoints: boolean }): DumpPart[] {
  const resources = source.resources();
  const bootstrap = { bootstrap: redacted(source.bootstrap), last_updated: timeJson(source.bootstrapAtMs) };
  return [
    part('BootstrapConfigDump', bootstrap),
    part('ClustersConfigDump', clusters(resources)),
    ...(options.withEndpoints ? [part('EndpointsConfigDump', endpoints(resources))] : []),
    part('ListenersConfigDump', listeners(resources)),
    part('ScopedRoutesConfigDump', {}),
    part('RoutesConfigDump', routes(resources)),
    part('SecretsConfigDump', {}),
  ];
}

/** The type of an element of a repeated field of a part, for `?resource=`. */
export function elementType(field: string): string | undefined {
  return ELEMENT_TYPES.get(field);
}

const ELEMENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['static_clusters', `${ADMIN}ClustersConfigDump.StaticCluster`],
  ['dynamic_active_clusters', `${ADMIN}ClustersConfigDump.DynamicCluster`],
  ['dynamic_warming_clusters', `${ADMIN}ClustersConfigDump.DynamicCluster`],
  ['dynamic_endpoint_configs', `${ADMIN}EndpointsConfigDump.DynamicEndpointConfig`],
  ['static_listeners', `${ADMIN}ListenersConfigDump.StaticListener`],
  ['dynamic_listeners', `${ADMIN}ListenersConfigDump.DynamicListener`],
  ['static_route_configs', `${ADMIN}RoutesConfigDump.StaticRouteConfig`],
  ['dynamic_route_configs', `${ADMIN}RoutesConfigDump.DynamicRouteConfig`],
]);

function part(name: string, fields: DumpPart['fields']): DumpPart {
  return { type: `${ADMIN}${name}`, fields };
}

function clusters({ clusters: entries, versions }: RuntimeResources): DumpPart['fields'] {
  const ofVersion = (entry: Entry<unknown>, version: Version<unknown>) => (): Json => ({
    ...versionInfo(version.version),
    cluster: resourceJson(TYPE_URLS.cluster, version.value),
    last_updated: timeJson(version.updatedMs),
    ...errorState(TYPE_URLS.cluster, entry.error),
  });
  const statics = entries.filter(({ origin }) => origin === 'static');
  const dynamics = entries.filter(({ origin }) => origin === 'dynamic');
  const warming = dynamics.flatMap((entry) => (entry.warming ? [ofVersion(entry, entry.warming)] : []));
  const refused = dynamics
    .filter(({ active, warming }) => !active && !warming)
    .map(
      ({ error }) =>
        (): Json =>
          errorState(TYPE_URLS.cluster, error),
    );
  return filled({
    ...versionInfo(versions.get(TYPE_URLS.cluster) ?? ''),
    static_clusters: statics.flatMap(newest).map((version) => () => ({
      cluster: resourceJson(TYPE_URLS.cluster, version.value),
      last_updated: timeJson(version.updatedMs),
    })),
    dynamic_active_clusters: dynamics.flatMap((entry) => (entry.active ? [ofVersion(entry, entry.active)] : [])),
    dynamic_warming_clusters: [...warming, ...refused],
  });
}

function endpoints({ endpoints: entries }: RuntimeResources): DumpPart['fields'] {
  const dynamic = entries.filter(({ active, error }) => active || error);
  return filled({
    dynamic_endpoint_configs: dynamic.map((entry) => () => ({
      ...(entry.active
        ? {
            ...versionInfo(entry.active.version),
            endpoint_config: resourceJson(TYPE_URLS.endpoint, entry.active.value),
            last_updated: timeJson(entry.active.updatedMs),
          }
        : {}),
      ...errorState(TYPE_URLS.endpoint, entry.error),
    })),
  });
}

function listeners({ listeners: entries, versions }: RuntimeResources): DumpPart['fields'] {
  const state = (version: Version<unknown>): Json => ({
    ...versionInfo(version.version),
    listener: resourceJson(TYPE_URLS.listener, version.value),
    last_updated: timeJson(version.updatedMs),
  });
  return filled({
    ...versionInfo(versions.get(TYPE_URLS.listener) ?? ''),
    static_listeners: entries
      .filter(({ origin }) => origin === 'static')
      .flatMap(newest)
      .map((version) => () => ({ listener: resourceJson(TYPE_URLS.listener, version.value), last_updated: timeJson(version.updatedMs) })),
    dynamic_listeners: entries
      .filter(({ origin }) => origin === 'dynamic')
      .map((entry) => () => ({
        name: entry.name,
        ...(entry.active ? { active_state: state(entry.active) } : {}),
        ...(entry.warming ? { warming_state: state(entry.warming) } : {}),
        ...errorState(TYPE_URLS.listener, entry.error),
      })),
  });
}

function routes({ routes: entries, listeners: owners }: RuntimeResources): DumpPart['fields'] {
  const inline = owners.flatMap((owner) =>
    newest(owner).flatMap((version) =>
      inlineRoutes(resourceJson(TYPE_URLS.listener, version.value)).map((config) => ({
        route_config: { '@type': TYPE_URLS.route, ...config },
        last_updated: timeJson(version.updatedMs),
      })),
    ),
  );
  const dynamic = entries.filter(({ active, warming, error }) => active || warming || error);
  return filled({
    static_route_configs: inline.map((config) => () => config),
    dynamic_route_configs: dynamic.map((entry) => () => ({
      ...newest(entry)
        .map((version) => ({
          ...versionInfo(version.version),
          route_config: resourceJson(TYPE_URLS.route, version.value),
          last_updated: timeJson(version.updatedMs),
        }))
        .at(0),
      ...errorState(TYPE_URLS.route, entry.error),
    })),
  });
}

/** The serving version, or the one that warms. */
function newest<T>({ active, warming }: Entry<T>): Version<T>[] {
  const version = active ?? warming;
  return version ? [version] : [];
}

/** envoy.admin.v3.UpdateFailureState. */
function errorState(typeUrl: TypeUrl, error: ErrorState | null): Record<string, Json> {
  if (!error) return {};
  return {
    error_state: {
      failed_configuration: resourceJson(typeUrl, error.value),
      last_update_attempt: timeJson(error.atMs),
      details: error.message,
      ...versionInfo(error.version),
    },
  };
}

function versionInfo(version: string): Record<string, Json> {
  return version === '' ? {} : { version_info: version };
}

/** Without empty lists, as canonical JSON. */
function filled(fields: DumpPart['fields']): DumpPart['fields'] {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !Array.isArray(value) || value.length > 0));
}
