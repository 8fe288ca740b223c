import type { Cluster } from '../../../gen/envoy/config/cluster/v3/cluster.ts';
import type { HttpProtocolOptions as CommonOptions } from '../../../gen/envoy/config/core/v3/protocol.ts';
import { HttpProtocolOptions } from '../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import type { Http1Options } from '../../../http1/types.ts';
import {
  compileHttp1Options,
  compileHttp2Options,
  decodeAny,
  durationMs,
  fieldPath,
  refuse,
  refuseOthers,
  typeNameOf,
} from '../../runtime/compile/index.ts';
import type { ClusterSettings, Http1Settings } from '../types.ts';

const OPTIONS_NAME = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

type ProtocolSettings = Pick<ClusterSettings, 'protocol' | 'http1' | 'http2' | 'keepalive' | 'maxRequestsPerConnection'>;

/** common_http_protocol_options and where they stand. */
interface Common {
  readonly path: string;
  readonly options: CommonOptions | undefined;
}

const HOUR = 3_600_000;
const HTTP1_DEFAULTS: Http1Settings = { options: {}, idleTimeoutMs: HOUR, maxRequests: 0 };

/** Reads `typed_extension_protocol_options`, or the older `http2_protocol_options`. */
export function compileProtocolOptions(cluster: Cluster): ProtocolSettings {
  const path = 'typed_extension_protocol_options';
  for (const [name, any] of cluster.typedExtensionProtocolOptions) {
    if (name !== OPTIONS_NAME || typeNameOf(any) !== OPTIONS_NAME) refuse(`${path}["${name}"]`, `is not supported (only ${OPTIONS_NAME})`);
  }
  const typed = cluster.typedExtensionProtocolOptions.get(OPTIONS_NAME);
  // as in Envoy they replace the older fields
  if (typed) return readOptions(`${path}["${OPTIONS_NAME}"]`, decodeAny(path, typed, HttpProtocolOptions));
  const common = { path: 'common_http_protocol_options', options: cluster.commonHttpProtocolOptions };
  const http2Options = cluster.http2ProtocolOptions;
  return http2Options ? http2(common, compileHttp2Options('http2_protocol_options', http2Options)) : http1(common, {});
}

function readOptions(path: string, options: HttpProtocolOptions): ProtocolSettings {
  refuseOthers(path, options, { reads: ['upstreamProtocolOptions', 'commonHttpProtocolOptions'], harmless: [] });
  const common = { path: fieldPath(path, 'commonHttpProtocolOptions'), options: options.commonHttpProtocolOptions };
  const choice = options.upstreamProtocolOptions;
  if (choice?.$case !== 'explicitHttpConfig')
    return refuse(fieldPath(path, choice?.$case ?? 'explicitHttpConfig'), 'only explicit_http_config is supported');
  const config = choice.value.protocolConfig;
  const at = fieldPath(path, 'explicitHttpConfig');
  switch (config?.$case) {
    case 'http2ProtocolOptions':
      return http2(common, compileHttp2Options(fieldPath(at, 'http2ProtocolOptions'), config.value));
    case 'httpProtocolOptions':
      return http1(common, compileHttp1Options(fieldPath(at, 'httpProtocolOptions'), config.value));
    default:
      return refuse(fieldPath(at, config?.$case ?? 'http2ProtocolOptions'), config ? 'is not supported' : 'is required');
  }
}

function http2({ path, options: common }: Common, { options, keepalive }: ReturnType<typeof compileHttp2Options>): ProtocolSettings {
  // an idle connection costs little, and keeping it costs no request its handshake
  if (common) refuseOthers(path, common, { reads: ['maxRequestsPerConnection'], harmless: ['idleTimeout'] });
  const maxRequestsPerConnection = common?.maxRequestsPerConnection ?? 0;
  return { protocol: 'HTTP2', http1: HTTP1_DEFAULTS, http2: options, keepalive, maxRequestsPerConnection };
}

function http1({ path, options: common }: Common, options: Http1Options): ProtocolSettings {
  const settings = common ? withCommon(path, common, options) : { ...HTTP1_DEFAULTS, options };
  return { protocol: 'HTTP1', http1: settings, http2: {}, keepalive: null, maxRequestsPerConnection: settings.maxRequests };
}

function withCommon(path: string, common: CommonOptions, options: Http1Options): Http1Settings {
  refuseOthers(path, common, {
    reads: ['idleTimeout', 'maxHeadersCount', 'maxRequestsPerConnection', 'maxResponseHeadersKb'],
    harmless: [],
  });
  const { maxHeadersCount, maxResponseHeadersKb: kb } = common;
  if (kb !== undefined && (kb < 1 || kb > 8192)) refuse(fieldPath(path, 'maxResponseHeadersKb'), `${kb} is out of range (1 to 8192)`);
  if (maxHeadersCount === 0) refuse(fieldPath(path, 'maxHeadersCount'), 'must be at least 1');
  return {
    options: {
      ...options,
      ...(kb === undefined ? {} : { maxHeaderListSize: kb * 1024 }),
      ...(maxHeadersCount === undefined ? {} : { maxHeaderFields: maxHeadersCount }),
    },
    idleTimeoutMs: durationMs(fieldPath(path, 'idleTimeout'), common.idleTimeout, HOUR) || null,
    maxRequests: common.maxRequestsPerConnection ?? 0,
  };
}
