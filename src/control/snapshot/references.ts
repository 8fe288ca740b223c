import { RingwayError } from '../../core/index.ts';
import { Cluster_DiscoveryType } from '../../gen/envoy/config/cluster/v3/cluster.ts';
import type { Listener } from '../../gen/envoy/config/listener/v3/listener.ts';
import type { RouteConfiguration } from '../../gen/envoy/config/route/v3/route.ts';
import { HttpConnectionManager } from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import type { Resources } from './egress.ts';

/**
 * Asserts what a client relies on, in this order: names are unique within their type; every EDS cluster has its endpoints and no
 * endpoints are without their cluster; every route configuration that a listener names exists; every cluster that a route names
 * exists; no authority stands in two virtual hosts (Envoy refuses the whole configuration). Throws RingwayError `BROKEN_SNAPSHOT`.
 */
export function assertReferences(resources: Resources): void {
  const clusters = uniqueNames(
    'cluster',
    resources.clusters.map(({ name }) => name),
  );
  const endpoints = uniqueNames(
    'endpoints',
    resources.endpoints.map(({ clusterName }) => clusterName),
  );
  const routes = uniqueNames(
    'route configuration',
    resources.routes.map(({ name }) => name),
  );
  uniqueNames(
    'listener',
    resources.listeners.map(({ name }) => name),
  );
  const overEds = new Set(
    resources.clusters
      .filter(({ clusterDiscoveryType }) => clusterDiscoveryType?.value === Cluster_DiscoveryType.EDS)
      .map(({ name }) => name),
  );
  for (const name of overEds) check(endpoints.has(name), `cluster ${name} has no endpoints`);
  for (const name of endpoints) check(overEds.has(name), `endpoints ${name} have no cluster`);
  for (const listener of resources.listeners)
    for (const name of routesOf(listener))
      check(routes.has(name), `listener ${listener.name} names the unknown route configuration ${name}`);
  for (const config of resources.routes) {
    for (const name of clustersOf(config))
      check(clusters.has(name), `route configuration ${config.name} names the unknown cluster ${name}`);
    uniqueNames(
      `authority in ${config.name}`,
      config.virtualHosts.flatMap(({ domains }) => domains.map((domain) => domain.toLowerCase())),
    );
  }
}

function uniqueNames(what: string, names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const name of names) {
    check(!seen.has(name), `${what} ${name} stands there twice`);
    seen.add(name);
  }
  return seen;
}

function routesOf({ filterChains }: Listener): string[] {
  return filterChains.flatMap(({ filters }) =>
    filters.flatMap(({ configType }) => {
      if (configType?.$case !== 'typedConfig') return [];
      const { routeSpecifier } = HttpConnectionManager.decode(configType.value.value);
      return routeSpecifier?.$case === 'rds' ? [routeSpecifier.value.routeConfigName] : [];
    }),
  );
}

function clustersOf({ virtualHosts }: RouteConfiguration): string[] {
  return virtualHosts.flatMap(({ routes }) =>
    routes.flatMap(({ action }) => {
      if (action?.$case !== 'route') return [];
      const { clusterSpecifier } = action.value;
      return clusterSpecifier?.$case === 'cluster' ? [clusterSpecifier.value] : [];
    }),
  );
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new RingwayError(problem, { code: 'BROKEN_SNAPSHOT' });
}
