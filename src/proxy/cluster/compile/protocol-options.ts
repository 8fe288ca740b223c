import type { Cluster } from '../../../gen/envoy/config/cluster/v3/cluster.ts';
import type { HttpProtocolOptions as CommonOptions } from '../../../gen/envoy/config/core/v3/protocol.ts';
import { HttpProtocolOptions } from '../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { compileHttp2Options, decodeAny, fieldPath, refuse, refuseOthers, typeNameOf } from '../../runtime/compile/index.ts';
import type { ClusterSettings } from '../types.ts';

const OPTIONS_NAME = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

type ProtocolSettings = Pick<ClusterSettings, 'protocol' | 'http2' | 'keepalive'>;

/** No options mean HTTP/1.1 in Envoy: such a cluster may serve tcp_proxy, but an HTTP request to it is answered with 503. */
const HTTP1: ProtocolSettings = { protocol: 'HTTP1', http2: {}, keepalive: null };

/** Reads `typed_extension_protocol_options`, or the older `http2_protocol_options`. */
export function compileProtocolOptions(cluster: Cluster): ProtocolSettings {
  const path = 'typed_extension_protocol_options';
  for (const [name, any] of cluster.typedExtensionProtocolOptions) {
    if (name !== OPTIONS_NAME || typeNameOf(any) !== OPTIONS_NAME) refuse(`${path}["${name}"]`, `is not supported (only ${OPTIONS_NAME})`);
  }
  const typed = cluster.typedExtensionProtocolOptions.get(OPTIONS_NAME);
  // as in Envoy they replace the older fields
  if (typed) return readOptions(`${path}["${OPTIONS_NAME}"]`, decodeAny(path, typed, HttpProtocolOptions));
  refuseCommon('common_http_protocol_options', cluster.commonHttpProtocolOptions);
  return cluster.http2ProtocolOptions ? http2(compileHttp2Options('http2_protocol_options', cluster.http2ProtocolOptions)) : HTTP1;
}

function readOptions(path: string, options: HttpProtocolOptions): ProtocolSettings {
  refuseOthers(path, options, { reads: ['upstreamProtocolOptions', 'commonHttpProtocolOptions'], harmless: [] });
  refuseCommon(fieldPath(path, 'commonHttpProtocolOptions'), options.commonHttpProtocolOptions);
  const choice = options.upstreamProtocolOptions;
  if (choice?.$case !== 'explicitHttpConfig')
    return refuse(fieldPath(path, choice?.$case ?? 'explicitHttpConfig'), 'only explicit_http_config is supported');
  const config = choice.value.protocolConfig;
  const at = fieldPath(path, 'explicitHttpConfig');
  switch (config?.$case) {
    case 'http2ProtocolOptions':
      return http2(compileHttp2Options(fieldPath(at, 'http2ProtocolOptions'), config.value));
    case 'httpProtocolOptions':
      return HTTP1;
    default:
      return refuse(fieldPath(at, config?.$case ?? 'http2ProtocolOptions'), config ? 'is not supported' : 'is required');
  }
}

function http2({ options, keepalive }: ReturnType<typeof compileHttp2Options>): ProtocolSettings {
  return { protocol: 'HTTP2', http2: options, keepalive };
}

function refuseCommon(path: string, options: CommonOptions | undefined): void {
  // an idle connection costs little, and keeping it costs no request its handshake
  if (options) refuseOthers(path, options, { reads: [], harmless: ['idleTimeout'] });
}
