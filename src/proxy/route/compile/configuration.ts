import { allAtOnce } from '../../../core/index.ts';
import type { RouteConfiguration } from '../../../gen/envoy/config/route/v3/route.ts';
import type { Route as RouteMessage, VirtualHost } from '../../../gen/envoy/config/route/v3/route_components.ts';
import { type FieldSupport, fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import { DomainTable } from '../domains.ts';
import { RememberingRouteTable, type RouteRule, type VirtualHostRules } from '../table.ts';
import type { ClusterChoice, Route, RouteTable } from '../types.ts';
import { compileAction } from './action.ts';
import { compileHeaderLists, type LevelMutations } from './headers.ts';
import { compileMatch } from './match.ts';

const CONFIGURATION: FieldSupport<RouteConfiguration> = {
  reads: [
    'name',
    'virtualHosts',
    'responseHeadersToAdd',
    'responseHeadersToRemove',
    'requestHeadersToAdd',
    'requestHeadersToRemove',
    'mostSpecificHeaderMutationsWins',
    'validateClusters',
    'ignorePortInHostMatching',
  ],
  // the body is in the resource already; metadata is for people and other planes
  harmless: ['maxDirectResponseBodySizeBytes', 'metadata'],
};

const VIRTUAL_HOST: FieldSupport<VirtualHost> = {
  reads: [
    'name',
    'domains',
    'routes',
    'requestHeadersToAdd',
    'requestHeadersToRemove',
    'responseHeadersToAdd',
    'responseHeadersToRemove',
    'includeRequestAttemptCount',
    'includeAttemptCountInResponse',
    'retryPolicy',
    'hedgePolicy',
    'perRequestBufferLimitBytes',
    'requestBodyBufferLimit',
  ],
  // virtual clusters only make series of their own
  harmless: ['metadata', 'virtualClusters'],
};

const ROUTE: FieldSupport<RouteMessage> = {
  reads: [
    'name',
    'match',
    'action',
    'requestHeadersToAdd',
    'requestHeadersToRemove',
    'responseHeadersToAdd',
    'responseHeadersToRemove',
    'perRequestBufferLimitBytes',
    'requestBodyBufferLimit',
  ],
  // spans are not made; a stat prefix only makes series of its own
  harmless: ['metadata', 'decorator', 'tracing', 'statPrefix'],
};

/** A compiled RouteConfiguration and the clusters it names. */
export interface CompiledRoutes {
  readonly table: RouteTable;
  readonly clusters: readonly string[];
  /** `validate_clusters`, if it says anything. */
  readonly validateClusters: boolean | undefined;
}

/** Compiles a decoded RouteConfiguration; `path` is where it stands ('' for RDS). Throws CompileError. */
export function compileRoutes(path: string, message: RouteConfiguration): CompiledRoutes {
  return allAtOnce(compileRoutesInSteps(path, message));
}

/** As `compileRoutes`, a route at a time. */
export function* compileRoutesInSteps(path: string, message: RouteConfiguration): Generator<undefined, CompiledRoutes> {
  refuseOthers(path, message, CONFIGURATION);
  const clusters = new Set<string>();
  const level = compileHeaderLists(path, message);
  const domains = new DomainTable<VirtualHostRules>(message.ignorePortInHostMatching);
  for (const [i, host] of message.virtualHosts.entries()) {
    const at = fieldPath(path, `virtualHosts[${i}]`);
    const rules: RouteRule[] = [];
    for (const rule of compileVirtualHost(at, host, level, message.mostSpecificHeaderMutationsWins)) {
      rules.push(rule);
      if (rule.route.action.kind === 'forward') for (const name of namesOf(rule.route.action.cluster)) clusters.add(name);
      yield;
    }
    addDomains(message.name, at, domains, host, { rules });
  }
  return { table: new RememberingRouteTable(message.name, domains), clusters: [...clusters], validateClusters: message.validateClusters };
}

/** Its rules, one after the other. */
function* compileVirtualHost(path: string, host: VirtualHost, outer: LevelMutations, innerLast: boolean): Generator<RouteRule, void> {
  refuseOthers(path, host, VIRTUAL_HOST);
  const level = compileHeaderLists(path, host);
  for (const [i, route] of host.routes.entries()) {
    const at = fieldPath(path, `routes[${i}]`);
    refuseOthers(at, route, ROUTE);
    const inner = compileHeaderLists(at, route);
    // Envoy goes from the route outwards, so that the outermost has the last word, unless told otherwise
    const levels = innerLast ? [outer, level, inner] : [inner, level, outer];
    const compiled: Route = {
      name: route.name,
      virtualHost: host.name,
      action: compileAction(at, route, host),
      requestHeaders: levels.flatMap(({ request }) => request),
      responseHeaders: levels.flatMap(({ response }) => response),
    };
    yield { route: compiled, ...compileMatch(fieldPath(at, 'match'), route.match) };
  }
}

function addDomains(name: string, path: string, domains: DomainTable<VirtualHostRules>, host: VirtualHost, rules: VirtualHostRules): void {
  if (host.domains.length === 0) refuse(fieldPath(path, 'domains'), 'must contain at least 1 item');
  for (const domain of host.domains) {
    if (domains.add(domain, rules)) continue;
    if (domain === '*') refuse('', `Only a single wildcard domain is permitted in route ${name}`);
    refuse('', `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${name}`);
  }
}

function namesOf(choice: ClusterChoice): readonly string[] {
  switch (choice.kind) {
    case 'one':
      return [choice.name];
    case 'weighted':
      return choice.clusters.map(({ name }) => name);
    case 'header':
      return [];
  }
}
