import { create, durationOf } from '../../envoy/index.ts';
import { DataSource } from '../../gen/envoy/config/core/v3/base.ts';
import { RouteConfiguration } from '../../gen/envoy/config/route/v3/route.ts';
import {
  DirectResponseAction,
  HedgePolicy,
  RetryPolicy,
  RetryPolicy_RetryHostPredicate,
  RetryPolicy_RetryPriority,
  Route,
  RouteAction,
  RouteMatch,
  VirtualHost,
} from '../../gen/envoy/config/route/v3/route_components.ts';
import type { RingName } from '../../membership/types.ts';
import { ringwayMetadata } from './metadata.ts';
import { oneOf, pack } from './values.ts';

const HEALTH_CHECK_PATH = '/grpc.health.v1.Health/Check';
const FIND_TRACE_PATH = '/tempopb.Querier/FindTraceByID';

/** The querier gives a health check one second and closes the connection, calls in flight included, on one that fails. */
const HEALTH_CHECK_BUDGET_MS = 900;

/** Trace-by-id is fast by nature; whoever needs longer has a stand-in asked as well. */
const FIND_TRACE_HEDGE_MS = 150;

/**
 * What Ringway's sidecar does beyond Envoy, in a route's `metadata.filter_metadata["ringway"].hedge`: ask a stand-in once a call has
 * taken longer than this percentile of its method's recent calls, within bounds, and for no more than this share of calls.
 */
interface AdaptiveHedge {
  readonly percentile: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly budgetPercent: number;
}

const FIND_TRACE_HEDGE: AdaptiveHedge = { percentile: 95, minDelayMs: 20, maxDelayMs: FIND_TRACE_HEDGE_MS, budgetPercent: 10 };
const SLOW_CALL_HEDGE: AdaptiveHedge = { percentile: 99, minDelayMs: 200, maxDelayMs: 10_000, budgetPercent: 10 };

/** Where the calls to one member go. */
interface MemberRoute {
  /** Name of its cluster, and of its virtual host. */
  readonly cluster: string;
  /** Authorities, lower case. Never empty. */
  readonly domains: readonly string[];
  /** How many owners can be asked at this moment, the member included. More tries than these would ask somebody twice. */
  readonly askable: number;
}

/** The route configuration of an egress view of `ring`: one virtual host a member, and one for every other authority. */
export function egressRoutes(name: string, ring: RingName, virtualHosts: readonly VirtualHost[]): RouteConfiguration {
  return create(RouteConfiguration, { name, virtualHosts: [...virtualHosts, unknownAuthority(ring)] });
}

/** A querier may know a member before control does: that is a reason to ask again (UNAVAILABLE), not a method that does not exist. */
function unknownAuthority(ring: RingName): VirtualHost {
  const text = `no member of ring ${ring} is known to advertise this address`;
  const body = create(DataSource, { specifier: oneOf('inlineString', text) });
  const match = create(RouteMatch, { pathSpecifier: oneOf('prefix', '/') });
  const action = oneOf('directResponse', create(DirectResponseAction, { status: 503, body }));
  return create(VirtualHost, {
    name: `${ring}/unknown-authority`,
    domains: ['*'],
    routes: [create(Route, { name: 'unavailable', match, action })],
  });
}

/** Calls to the member: its health check, trace-by-id, everything else. */
export function memberVirtualHost({ cluster, domains, askable }: MemberRoute): VirtualHost {
  const retries = Math.max(0, askable - 1);
  return create(VirtualHost, {
    name: cluster,
    domains: [...domains],
    routes: [healthCheckRoute(cluster, retries), findTraceRoute(cluster, retries), otherRoute(cluster, retries)],
  });
}

/**
 * SERVING while any owner serves. Retried, also on silence, never hedged. NOT_SERVING is an answer with status OK: no retry policy
 * sees it.
 */
function healthCheckRoute(cluster: string, retries: number): Route {
  const perTryMs = Math.floor(HEALTH_CHECK_BUDGET_MS / (retries + 1));
  return create(Route, {
    name: 'health-check',
    match: create(RouteMatch, { pathSpecifier: oneOf('path', HEALTH_CHECK_PATH) }),
    action: forward(cluster, retries === 0 ? {} : { retryPolicy: retryPolicy(retries, perTryMs) }),
  });
}

function findTraceRoute(cluster: string, retries: number): Route {
  const match = create(RouteMatch, { pathSpecifier: oneOf('path', FIND_TRACE_PATH) });
  if (retries === 0) return create(Route, { name: 'find-trace-by-id', match, action: forward(cluster, {}) });
  return create(Route, {
    name: 'find-trace-by-id',
    match,
    action: forward(cluster, {
      retryPolicy: retryPolicy(retries, FIND_TRACE_HEDGE_MS),
      hedgePolicy: create(HedgePolicy, { hedgeOnPerTryTimeout: true }),
    }),
    metadata: ringwayMetadata({ hedge: FIND_TRACE_HEDGE }),
  });
}

/** Searches, tags and metrics take seconds when all is well: in Envoy, whose delay is fixed, they are retried and not hedged. */
function otherRoute(cluster: string, retries: number): Route {
  const match = create(RouteMatch, { pathSpecifier: oneOf('prefix', '/') });
  if (retries === 0) return create(Route, { name: 'other', match, action: forward(cluster, {}) });
  return create(Route, {
    name: 'other',
    match,
    action: forward(cluster, { retryPolicy: retryPolicy(retries) }),
    metadata: ringwayMetadata({ hedge: SLOW_CALL_HEDGE }),
  });
}

/** Envoy's own 15 s would end searches; queriers bring their deadlines. */
function forward(cluster: string, more: Partial<RouteAction>): Route['action'] {
  return oneOf('route', create(RouteAction, { clusterSpecifier: oneOf('cluster', cluster), timeout: durationOf(0), ...more }));
}

/** Every try goes to the next priority and to a host that had none; Unknown is an answer of the member and not retried. */
function retryPolicy(numRetries: number, perTryTimeoutMs?: number): RetryPolicy {
  const perTryTimeout = perTryTimeoutMs === undefined ? undefined : durationOf(perTryTimeoutMs);
  return create(RetryPolicy, { ...RETRY, numRetries, perTryTimeout });
}

const RETRY: Partial<RetryPolicy> = {
  retryOn: 'connect-failure,refused-stream,reset,unavailable',
  retryPriority: create(RetryPolicy_RetryPriority, {
    name: 'envoy.retry_priorities.previous_priorities',
    configType: oneOf(
      'typedConfig',
      pack('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', { updateFrequency: 1 }),
    ),
  }),
  retryHostPredicate: [
    create(RetryPolicy_RetryHostPredicate, {
      name: 'envoy.retry_host_predicates.previous_hosts',
      configType: oneOf('typedConfig', pack('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate')),
    }),
  ],
  hostSelectionRetryMaxAttempts: 3n,
  retryBackOff: { baseInterval: durationOf(5), maxInterval: durationOf(50) },
};
