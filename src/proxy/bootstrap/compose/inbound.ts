import { formatHostPort, type HostPort, RingwayError } from '../../../core/index.ts';
import type { Json } from '../../../envoy/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import { announceJson } from '../announce/metadata.ts';
import type { InboundOptions } from '../types.ts';
import { hostOr, listenAddress } from './address.ts';
import { loopReason } from './loop.ts';
import { addressJson, adminJson, adsJson, cluster, ip, nodeJson, toBootstrap, xdsCluster } from './parts.ts';

/** One connection's or stream's worth above any real load: a live-store limits itself. */
const MANY = 10_000;

/**
 * The bootstrap of a sidecar beside a live-store: a static listener and a static cluster, complete without ring and control. Not reaching
 * the live-store is UNAVAILABLE within some 100 ms, so that another owner can answer. Throws RingwayError: `BAD_ADDRESS`, `LOOP`.
 */
export function inboundBootstrap(options: InboundOptions): Bootstrap {
  const listen = listenAddress('--listen', options.listen, '0.0.0.0');
  const local = hostOr(options.local, '127.0.0.1');
  if (local.port === 0)
    throw new RingwayError(`--local ${formatHostPort(local)}: a port to connect to is 1 to 65535`, { code: 'BAD_ADDRESS' });
  const loop = loopReason(listen, local, options.ownAddresses ?? []);
  if (loop !== undefined) {
    const text = `--listen ${formatHostPort(listen)} and --local ${formatHostPort(local)} are the sidecar itself: ${loop}; give the live-store another port`;
    throw new RingwayError(text, { code: 'LOOP' });
  }
  const admin = options.admin && listenAddress('--admin', options.admin, '127.0.0.1');
  const { control, announce } = options;
  return toBootstrap({
    node: {
      ...nodeJson({ id: options.member, cluster: `${options.ring}/inbound`, zone: options.zone }),
      ...(announce ? { metadata: { ringway: { announce: announceJson(announce) } } } : {}),
    },
    static_resources: {
      listeners: [listenerJson(listen)],
      clusters: [localCluster(local), ...(control ? [xdsCluster(control, { waits: false })] : [])],
    },
    ...(control
      ? {
          dynamic_resources: {
            ads_config: adsJson(),
            cds_config: { ads: {}, initial_fetch_timeout: '0.250s', resource_api_version: 'V3' },
          },
        }
      : {}),
    ...(admin ? { admin: adminJson(admin) } : {}),
  });
}

function listenerJson(listen: HostPort): Json {
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'inbound',
    codec_type: 'AUTO',
    generate_request_id: false,
    http2_protocol_options: { max_concurrent_streams: MANY },
    route_config: { name: 'inbound', virtual_hosts: [{ name: 'local', domains: ['*'], routes: [routeJson()] }] },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  return {
    name: 'inbound',
    address: addressJson(listen),
    traffic_direction: 'INBOUND',
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  };
}

/** Bodies go through as a stream, whatever their size; only a request that may be tried again is kept, up to the buffer limit. */
function routeJson(): Json {
  const retry = {
    retry_on: 'connect-failure,refused-stream',
    num_retries: 2,
    retry_back_off: { base_interval: '0.010s', max_interval: '0.050s' },
  };
  return { name: 'local', match: { prefix: '/' }, route: { cluster: 'local', timeout: '0s', retry_policy: retry } };
}

function localCluster(local: HostPort): Json {
  const limits = { max_connections: MANY, max_pending_requests: MANY, max_requests: MANY, max_retries: MANY };
  return {
    ...cluster('local', local),
    connect_timeout: '0.250s',
    circuit_breakers: { thresholds: [limits] },
    ...(ip(local.host) ? {} : { wait_for_warm_on_init: false }),
  };
}
