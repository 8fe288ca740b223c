import type { HttpProtocolOptions } from '../../../gen/envoy/config/core/v3/protocol.ts';
import { Router } from '../../../gen/envoy/extensions/filters/http/router/v3/router.ts';
import type {
  HttpConnectionManager,
  HttpFilter,
} from '../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { compileAccessLogs } from '../../access-log/index.ts';
import { compileRoutes } from '../../route/index.ts';
import {
  adsTimeoutMs,
  compileHttp1Options,
  compileHttp2Options,
  decodeAny,
  durationMs,
  type FieldSupport,
  fieldPath,
  optionalDurationMs,
  refuse,
  refuseOthers,
  typeNameOf,
} from '../../runtime/compile/index.ts';
import type { Dependencies } from '../../runtime/types.ts';
import type { FilterDeps } from '../deps.ts';
import type { CompiledFilter, ListenerContext } from '../types.ts';
import { HttpConnection } from './connection.ts';
import { HttpContext } from './context.ts';
import type { HttpSettings, RouteSource } from './settings.ts';

const ROUTER = 'envoy.extensions.filters.http.router.v3.Router';
const MINUTES_5 = 300_000;
const HOUR = 3_600_000;
/** HttpConnectionManager.CodecType by number. */
const CODECS: readonly HttpSettings['codec'][] = ['AUTO', 'HTTP1', 'HTTP2'];
const SERVER_MODES = ['overwrite', 'append-if-absent', 'pass-through'] as const;

const MANAGER: FieldSupport<HttpConnectionManager> = {
  reads: [
    'codecType',
    'statPrefix',
    'routeSpecifier',
    'httpFilters',
    'commonHttpProtocolOptions',
    'httpProtocolOptions',
    'http2ProtocolOptions',
    'serverName',
    'serverHeaderTransformation',
    'maxRequestHeadersKb',
    'streamIdleTimeout',
    'streamFlushTimeout',
    'requestHeadersTimeout',
    'delayedCloseTimeout',
    'accessLog',
    'useRemoteAddress',
    'skipXffAppend',
    'generateRequestId',
    'preserveExternalRequestId',
    'alwaysSetRequestIdInResponse',
    'streamErrorOnInvalidHttpMessage',
  ],
  harmless: [
    // connections are drained until their last stream ends or the listener's drain time is over, and closed as HTTP/2 asks for
    'drainTimeout',
    // nothing of a client certificate is forwarded (0 sanitizes, others are refused below)
    'setCurrentClientCertDetails',
  ],
};

/** Compiles an HttpConnectionManager. Throws CompileError. */
export function compileHttpConnectionManager(
  path: string,
  message: HttpConnectionManager,
  listener: ListenerContext,
  deps: FilterDeps,
): CompiledFilter {
  refuseOthers(path, message, MANAGER);
  if (message.statPrefix === '') refuse(fieldPath(path, 'statPrefix'), 'is required');
  const { routes, dependencies } = routesOf(path, message);
  const suppressesEnvoyHeaders = compileHttpFilters(fieldPath(path, 'httpFilters'), message.httpFilters);
  const settings: HttpSettings = {
    statPrefix: message.statPrefix,
    codec: codecOf(path, message),
    routes,
    accessLogs: compileAccessLogs(fieldPath(path, 'accessLog'), message.accessLog, deps.accessLogs),
    http1: compileHttp1Options(fieldPath(path, 'httpProtocolOptions'), message.httpProtocolOptions),
    http2: http2Of(path, message),
    streamIdleTimeoutMs: durationMs(fieldPath(path, 'streamIdleTimeout'), message.streamIdleTimeout, MINUTES_5) || null,
    streamFlushTimeoutMs: flushTimeoutOf(path, message),
    ...commonOf(fieldPath(path, 'commonHttpProtocolOptions'), message.commonHttpProtocolOptions),
    server: { name: message.serverName || 'envoy', mode: SERVER_MODES[message.serverHeaderTransformation] ?? 'overwrite' },
    requestId: {
      generate: message.generateRequestId ?? true,
      preserveExternal: message.preserveExternalRequestId,
      inResponse: message.alwaysSetRequestIdInResponse,
    },
    useRemoteAddress: message.useRemoteAddress ?? false,
    appendForwardedFor: !message.skipXffAppend,
    envoyHeaders: suppressesEnvoyHeaders ? 'suppressed' : 'written',
  };
  const context = new HttpContext(settings, deps, listener);
  return { filter: { accept: (accepted, onClosed) => new HttpConnection(context, accepted, onClosed) }, dependencies };
}

function routesOf(
  path: string,
  { routeSpecifier }: HttpConnectionManager,
): { readonly routes: RouteSource; readonly dependencies: Dependencies } {
  switch (routeSpecifier?.$case) {
    case 'rds': {
      const at = fieldPath(path, 'rds');
      const { configSource, routeConfigName } = routeSpecifier.value;
      if (!configSource) return refuse(fieldPath(at, 'configSource'), 'is required');
      if (routeConfigName === '') refuse(fieldPath(at, 'routeConfigName'), 'is required');
      const initialFetchTimeoutMs = adsTimeoutMs(fieldPath(at, 'configSource'), configSource);
      return { routes: { kind: 'rds', name: routeConfigName }, dependencies: { routes: [routeConfigName], initialFetchTimeoutMs } };
    }
    case 'routeConfig': {
      const { table, clusters, validateClusters } = compileRoutes(fieldPath(path, 'routeConfig'), routeSpecifier.value);
      return { routes: { kind: 'inline', table }, dependencies: { clusters, clustersMustExist: validateClusters ?? true } };
    }
    default:
      return refuse(fieldPath(path, routeSpecifier?.$case ?? 'routeSpecifier'), routeSpecifier ? 'is not supported' : 'is required');
  }
}

/** The router, and nothing before it. Returns whether it keeps quiet about Envoy. */
function compileHttpFilters(path: string, filters: readonly HttpFilter[]): boolean {
  const active = filters.map((filter, i) => ({ filter, at: `${path}[${i}]` })).filter(({ filter }) => !filter.disabled);
  const last = active.at(-1);
  if (!last) return refuse(path, `needs ${ROUTER} as its last filter`);
  for (const { filter, at } of active) {
    refuseOthers(at, filter, { reads: ['name', 'configType', 'disabled'], harmless: ['isOptional'] });
    const any = filter.configType?.$case === 'typedConfig' ? filter.configType.value : undefined;
    if (typeNameOf(any) !== ROUTER || filter !== last.filter) {
      refuse(at, `${typeNameOf(any) || filter.name} is not supported (only ${ROUTER}, as the last filter)`);
    }
  }
  const any = last.filter.configType?.$case === 'typedConfig' ? last.filter.configType.value : undefined;
  if (!any) return false;
  const router = decodeAny(last.at, any, Router);
  refuseOthers(fieldPath(last.at, 'typedConfig'), router, {
    reads: ['suppressEnvoyHeaders'],
    // series by zone and canary nobody asks for; spans are not made; CONNECT is refused before the router
    harmless: ['dynamicStats', 'startChildSpan', 'rejectConnectRequestEarlyData'],
  });
  return router.suppressEnvoyHeaders;
}

function codecOf(path: string, { codecType }: HttpConnectionManager): HttpSettings['codec'] {
  const codec = CODECS[codecType];
  return codec ?? refuse(fieldPath(path, 'codecType'), 'is not supported (only AUTO, HTTP1 and HTTP2)');
}

function http2Of(path: string, message: HttpConnectionManager): HttpSettings['http2'] {
  const kb = message.maxRequestHeadersKb ?? 60;
  if (kb < 1 || kb > 8192) refuse(fieldPath(path, 'maxRequestHeadersKb'), `${kb} is out of range (1 to 8192)`);
  const common = message.commonHttpProtocolOptions;
  const http2 = message.http2ProtocolOptions;
  const at = fieldPath(path, 'http2ProtocolOptions');
  const compiled = http2 ? compileHttp2Options(at, http2) : undefined;
  if (compiled?.keepalive) refuse(fieldPath(at, 'connectionKeepalive'), 'is not supported on listeners');
  return {
    streamErrorOnInvalidMessage: message.streamErrorOnInvalidHttpMessage ?? false,
    ...compiled?.options,
    maxHeaderListSize: kb * 1024,
    ...timesOf(path, message),
    ...(common?.maxHeadersCount === undefined ? {} : { maxHeaderFields: common.maxHeadersCount }),
  };
}

/** request_headers_timeout 0 is Envoy's "none"; the preface and a header block of several frames have their time here in any case. */
function timesOf(path: string, { requestHeadersTimeout, delayedCloseTimeout }: HttpConnectionManager): HttpSettings['http2'] {
  const headersTimeoutMs = durationMs(fieldPath(path, 'requestHeadersTimeout'), requestHeadersTimeout, 0);
  return {
    ...(headersTimeoutMs === 0 ? {} : { headersTimeoutMs, prefaceTimeoutMs: headersTimeoutMs }),
    ...(delayedCloseTimeout === undefined
      ? {}
      : { closeGraceMs: durationMs(fieldPath(path, 'delayedCloseTimeout'), delayedCloseTimeout, 0) }),
  };
}

/** What may not be read for so long is dropped: stream_flush_timeout, else stream_idle_timeout, as in Envoy. */
function flushTimeoutOf(path: string, { streamFlushTimeout, streamIdleTimeout }: HttpConnectionManager): number | null {
  const idleMs = durationMs(fieldPath(path, 'streamIdleTimeout'), streamIdleTimeout, MINUTES_5);
  return durationMs(fieldPath(path, 'streamFlushTimeout'), streamFlushTimeout, idleMs) || null;
}

function commonOf(
  path: string,
  message: HttpProtocolOptions | undefined,
): Pick<HttpSettings, 'connectionIdleTimeoutMs' | 'maxStreamDurationMs' | 'maxRequestsPerConnection'> {
  if (!message) return { connectionIdleTimeoutMs: HOUR, maxStreamDurationMs: null, maxRequestsPerConnection: Number.POSITIVE_INFINITY };
  // 0 allows header names with underscores, as we do
  refuseOthers(path, message, { reads: ['idleTimeout', 'maxHeadersCount', 'maxStreamDuration', 'maxRequestsPerConnection'], harmless: [] });
  return {
    connectionIdleTimeoutMs: durationMs(fieldPath(path, 'idleTimeout'), message.idleTimeout, HOUR) || null,
    maxRequestsPerConnection: message.maxRequestsPerConnection || Number.POSITIVE_INFINITY,
    maxStreamDurationMs: optionalDurationMs(fieldPath(path, 'maxStreamDuration'), message.maxStreamDuration) || null,
  };
}
