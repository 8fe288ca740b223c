import { create, durationOf } from '../../envoy/index.ts';
import { TrafficDirection } from '../../gen/envoy/config/core/v3/base.ts';
import { Http2ProtocolOptions } from '../../gen/envoy/config/core/v3/protocol.ts';
import { Listener } from '../../gen/envoy/config/listener/v3/listener.ts';
import { Filter, FilterChain } from '../../gen/envoy/config/listener/v3/listener_components.ts';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpFilter,
  Rds,
} from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { overAds } from './cluster.ts';
import { socketAddress } from './endpoints.ts';
import { oneOf, pack } from './values.ts';

/** Above the querier's longest query (30 s by default) with room for who raised it; a call that hangs longer is nobody's any more. */
const STREAM_IDLE_MS = 120_000;

/** One querier opens one connection to us for each member, and a search of many blocks opens hundreds of streams on it. */
const MAX_STREAMS = 10_000;
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;

/** The listener that queriers' calls reach, by :authority; `name` is its route configuration's name as well. It writes no access log. */
export function egressListener(name: string, listen: string): Listener {
  return create(Listener, {
    name,
    address: socketAddress(listen),
    trafficDirection: TrafficDirection.OUTBOUND,
    // Two Envoys on one port would otherwise both bind, and the kernel would split the connections among them.
    enableReusePort: false,
    filterChains: [
      create(FilterChain, {
        filters: [
          create(Filter, {
            name: 'envoy.filters.network.http_connection_manager',
            configType: oneOf('typedConfig', httpConnectionManager(name)),
          }),
        ],
      }),
    ],
  });
}

function httpConnectionManager(routeConfigName: string): ReturnType<typeof pack> {
  return pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    codecType: HttpConnectionManager_CodecType.AUTO,
    statPrefix: 'egress',
    routeSpecifier: oneOf('rds', create(Rds, { configSource: overAds(), routeConfigName })),
    httpFilters: [
      create(HttpFilter, {
        name: 'envoy.filters.http.router',
        configType: oneOf('typedConfig', pack('envoy.extensions.filters.http.router.v3.Router')),
      }),
    ],
    http2ProtocolOptions: create(Http2ProtocolOptions, {
      maxConcurrentStreams: MAX_STREAMS,
      initialStreamWindowSize: STREAM_WINDOW_BYTES,
      initialConnectionWindowSize: CONNECTION_WINDOW_BYTES,
    }),
    streamIdleTimeout: durationOf(STREAM_IDLE_MS),
    generateRequestId: false,
    // What a member answers arrives as it is: no `server: envoy` in its place, no x-forwarded-for of the querier.
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    skipXffAppend: true,
  });
}
