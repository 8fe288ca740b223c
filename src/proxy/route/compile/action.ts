import { messageOf } from '../../../core/index.ts';
import type {
  DirectResponseAction,
  RouteAction,
  RouteAction_MaxStreamDuration,
  Route as RouteMessage,
  VirtualHost,
  WeightedCluster,
} from '../../../gen/envoy/config/route/v3/route_components.ts';
import { field } from '../../../http2/index.ts';
import type { Field } from '../../../http2/types.ts';
import { durationMs, fieldPath, optionalDurationMs, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import { boundTimeouts } from '../timeouts.ts';
import type { ClusterChoice, DirectResponse, ForwardAction, GrpcTimeout, RetryBuffer, StreamDuration } from '../types.ts';
import { compileRetry } from './retry.ts';

const NOT_FOUND_STATUS = [503, 404, 500] as const;
const DEFAULT_TIMEOUT_MS = 15_000;

/** What a route does with its requests. `path` is the route's. Throws CompileError. */
export function compileAction(path: string, route: RouteMessage, host: VirtualHost): ForwardAction | DirectResponse {
  const { action } = route;
  if (!action) return refuse(fieldPath(path, 'action'), 'is required');
  switch (action.$case) {
    case 'route':
      return compileForward(fieldPath(path, 'route'), action.value, route, host);
    case 'directResponse':
      return compileDirectResponse(fieldPath(path, 'directResponse'), action.value);
    default:
      return refuse(fieldPath(path, action.$case), 'is not supported');
  }
}

function compileForward(path: string, action: RouteAction, route: RouteMessage, host: VirtualHost): ForwardAction {
  refuseOthers(path, action, {
    reads: [
      'clusterSpecifier',
      'clusterNotFoundResponseCode',
      'prefixRewrite',
      'hostRewriteSpecifier',
      'timeout',
      'idleTimeout',
      'retryPolicy',
      'priority',
      'hedgePolicy',
      'maxStreamDuration',
      'maxGrpcTimeout',
      'grpcTimeoutOffset',
    ],
    // there are no virtual host rate limits to include
    harmless: ['includeVhRateLimits'],
  });
  const clusterNotFoundStatus = NOT_FOUND_STATUS[action.clusterNotFoundResponseCode];
  if (!clusterNotFoundStatus)
    return refuse(fieldPath(path, 'clusterNotFoundResponseCode'), `${action.clusterNotFoundResponseCode} is unknown`);
  const routeTimeoutMs = durationMs(fieldPath(path, 'timeout'), action.timeout, DEFAULT_TIMEOUT_MS) || null;
  // whoever sets max_stream_duration has left the older timeouts behind
  const wholeMs = action.maxStreamDuration ? null : routeTimeoutMs;
  const retry = compileRetry(path, action.retryPolicy ?? host.retryPolicy, action.hedgePolicy ?? host.hedgePolicy);
  return {
    kind: 'forward',
    cluster: clusterOf(path, action),
    clusterNotFoundStatus,
    timeouts: boundTimeouts(wholeMs, retry?.perTryTimeoutMs ?? null),
    grpcTimeout: grpcTimeoutOf(path, action),
    idleTimeoutMs: action.idleTimeout ? durationMs(fieldPath(path, 'idleTimeout'), action.idleTimeout, 0) || null : undefined,
    streamDuration: streamDurationOf(fieldPath(path, 'maxStreamDuration'), action.maxStreamDuration),
    retry,
    priority: action.priority === 1 ? 'high' : 'default',
    prefixRewrite: prefixRewriteOf(path, action, route),
    authority: authorityOf(path, action),
    attemptCount: { inRequest: host.includeRequestAttemptCount, inResponse: host.includeAttemptCountInResponse },
    retryBuffer: retryBufferOf(route, host),
  };
}

function grpcTimeoutOf(path: string, action: RouteAction): GrpcTimeout | null {
  const maxMs = optionalDurationMs(fieldPath(path, 'maxGrpcTimeout'), action.maxGrpcTimeout);
  const offsetMs = durationMs(fieldPath(path, 'grpcTimeoutOffset'), action.grpcTimeoutOffset, 0);
  return maxMs === null || action.maxStreamDuration ? null : { maxMs, offsetMs };
}

function retryBufferOf(route: RouteMessage, host: VirtualHost): RetryBuffer {
  const exactly = route.requestBodyBufferLimit ?? host.requestBodyBufferLimit;
  return {
    exactly: exactly === undefined ? null : Number(exactly),
    atMost: route.perRequestBufferLimitBytes ?? host.perRequestBufferLimitBytes ?? null,
  };
}

function clusterOf(path: string, { clusterSpecifier }: RouteAction): ClusterChoice {
  switch (clusterSpecifier?.$case) {
    case 'cluster':
      return { kind: 'one', name: clusterSpecifier.value };
    case 'clusterHeader':
      return { kind: 'header', header: clusterSpecifier.value.toLowerCase() };
    case 'weightedClusters':
      return weightedOf(fieldPath(path, 'weightedClusters'), clusterSpecifier.value);
    default:
      return refuse(fieldPath(path, clusterSpecifier?.$case ?? 'clusterSpecifier'), clusterSpecifier ? 'is not supported' : 'is required');
  }
}

function weightedOf(path: string, message: WeightedCluster): ClusterChoice {
  // the older way to give the total: it has to be the sum in any case
  refuseOthers(path, message, { reads: ['clusters'], harmless: ['totalWeight', 'runtimeKeyPrefix'] });
  const clusters = message.clusters.map((cluster, i) => {
    refuseOthers(fieldPath(path, `clusters[${i}]`), cluster, { reads: ['name', 'weight'], harmless: [] });
    return { name: cluster.name, weight: cluster.weight ?? 0 };
  });
  const totalWeight = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (totalWeight < 1 || totalWeight > 0xffff_ffff) refuse(path, 'Sum of weights in the weighted_cluster must be greater than 0.');
  return { kind: 'weighted', totalWeight, clusters };
}

function prefixRewriteOf(path: string, { prefixRewrite }: RouteAction, { match }: RouteMessage): ForwardAction['prefixRewrite'] {
  if (prefixRewrite === '') return null;
  const specifier = match?.pathSpecifier;
  if (specifier?.$case !== 'prefix' && specifier?.$case !== 'path' && specifier?.$case !== 'pathSeparatedPrefix') {
    return refuse(fieldPath(path, 'prefixRewrite'), 'needs a prefix, path or path_separated_prefix match');
  }
  return { length: specifier.value.length, replacement: prefixRewrite };
}

function authorityOf(path: string, { hostRewriteSpecifier }: RouteAction): Field | null {
  if (!hostRewriteSpecifier) return null;
  if (hostRewriteSpecifier.$case !== 'hostRewriteLiteral') return refuse(fieldPath(path, hostRewriteSpecifier.$case), 'is not supported');
  try {
    return field(':authority', hostRewriteSpecifier.value);
  } catch (error) {
    return refuse(fieldPath(path, 'hostRewriteLiteral'), messageOf(error));
  }
}

function streamDurationOf(path: string, message: RouteAction_MaxStreamDuration | undefined): StreamDuration | null {
  if (!message) return null;
  return {
    maxMs: optionalDurationMs(fieldPath(path, 'maxStreamDuration'), message.maxStreamDuration),
    grpcTimeoutMaxMs: optionalDurationMs(fieldPath(path, 'grpcTimeoutHeaderMax'), message.grpcTimeoutHeaderMax),
    grpcTimeoutOffsetMs: durationMs(fieldPath(path, 'grpcTimeoutHeaderOffset'), message.grpcTimeoutHeaderOffset, 0),
  };
}

function compileDirectResponse(path: string, message: DirectResponseAction): DirectResponse {
  refuseOthers(path, message, { reads: ['status', 'body'], harmless: [] });
  const { status, body } = message;
  if (status < 200 || status > 599) refuse(fieldPath(path, 'status'), `${status} is out of range (200 to 599)`);
  const source = body?.specifier;
  if (!source) return { kind: 'direct-response', status, body: '' };
  switch (source.$case) {
    case 'inlineString':
      return { kind: 'direct-response', status, body: source.value };
    case 'inlineBytes':
      return { kind: 'direct-response', status, body: Buffer.from(source.value).toString() };
    default:
      return refuse(fieldPath(fieldPath(path, 'body'), source.$case), 'is not supported');
  }
}
