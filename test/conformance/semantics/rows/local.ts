import type { Row } from '../types.ts';

const TLS = (validation: string): string =>
  `transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, common_tls_context: { ${validation} } } }`;

/** Requests that no upstream answers. */
export const LOCAL: readonly Row[] = [
  {
    name: 'no-route',
    situation: 'no route matches',
    setup: { host: 'retry_policy: {}', route: 'route: { cluster: no-route }, name: r' },
    caller: async (caller) => void (await caller.call({ ':path': '/other' })),
    upstream: null,
  },
  {
    name: 'plain-no-route',
    situation: 'no route matches a request that is no gRPC call',
    caller: async (caller) => {
      const stream = caller.open({ ':method': 'GET', ':path': '/other', 'content-type': '', te: '' }, true);
      await stream.over();
    },
    upstream: null,
  },
  {
    name: 'unknown-cluster',
    situation: 'the route names a cluster that does not exist',
    setup: { action: 'cluster: nowhere' },
    upstream: null,
  },
  {
    name: 'plain-unknown-cluster',
    situation: 'the same, no gRPC call',
    setup: { action: 'cluster: nowhere' },
    caller: async (caller) => void (await caller.get()),
    upstream: null,
  },
  {
    name: 'unknown-cluster-404',
    situation: 'the same with cluster_not_found_response_code NOT_FOUND',
    setup: { action: 'cluster: nowhere, cluster_not_found_response_code: NOT_FOUND' },
    upstream: null,
  },
  { name: 'no-hosts', situation: 'the cluster has no endpoint', setup: { endpoint: null }, upstream: null },
  {
    name: 'plain-no-hosts',
    situation: 'the same, no gRPC call',
    setup: { endpoint: null },
    caller: async (caller) => void (await caller.get()),
    upstream: null,
  },
  {
    name: 'unhealthy',
    situation: 'the only endpoint is UNHEALTHY: panic (healthy_panic_threshold 50 %)',
    setup: { endpoint: 'health_status: UNHEALTHY' },
  },
  {
    name: 'draining',
    situation: 'the only endpoint is DRAINING: panic',
    setup: { endpoint: 'health_status: DRAINING' },
  },
  {
    name: 'unhealthy-no-panic',
    situation: 'the only endpoint is UNHEALTHY, healthy_panic_threshold 0',
    setup: { endpoint: 'health_status: UNHEALTHY', cluster: 'common_lb_config: { healthy_panic_threshold: { value: 0 } }' },
    upstream: null,
  },
  {
    name: 'degraded',
    situation: 'the only endpoint is DEGRADED',
    setup: { endpoint: 'health_status: DEGRADED' },
  },
  { name: 'refused', situation: 'the host refuses the connection', upstream: null },
  {
    name: 'plain-refused',
    situation: 'the same, no gRPC call',
    caller: async (caller) => void (await caller.get()),
    upstream: null,
  },
  {
    name: 'connect-timeout',
    situation: 'the handshake is not over after connect_timeout',
    setup: { cluster: `connect_timeout: 0.1s, ${TLS('')}` },
    upstream: async (upstream) => void (await upstream.socket(0)),
  },
  {
    name: 'tls-to-plain',
    situation: 'TLS to a host that speaks none',
    setup: { cluster: TLS('') },
    upstream: async (upstream) => void (await upstream.wire(0)),
  },
  {
    name: 'tls-closed',
    situation: 'the host closes during the TLS handshake',
    setup: { cluster: TLS('') },
    upstream: async (upstream) => {
      const socket = await upstream.socket(0);
      socket.once('data', () => socket.end());
    },
  },
  {
    name: 'overflow-pending',
    situation: 'circuit breaker: max_pending_requests 0',
    setup: { cluster: 'circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] }' },
    upstream: null,
  },
  {
    name: 'overflow-requests',
    situation: 'circuit breaker: max_requests 1, a second call beside the first',
    setup: { cluster: 'circuit_breakers: { thresholds: [{ max_requests: 1 }] }' },
    caller: async (caller) => {
      const first = caller.open();
      await first.until(({ events }) => events.length > 0);
      await caller.call();
      first.data(Buffer.alloc(5), true);
      await first.over();
    },
    upstream: async (upstream) => {
      const first = await upstream.request();
      first.headers([
        [':status', '200'],
        ['content-type', 'application/grpc'],
      ]);
      await first.over();
      first.headers([['grpc-status', '0']], true);
    },
  },
  {
    name: 'overflow-connections',
    situation: 'circuit breaker: max_connections 0: a host may have its first',
    setup: { cluster: 'circuit_breakers: { thresholds: [{ max_connections: 0 }] }' },
  },
  {
    name: 'drop-all',
    situation: 'drop_overloads 100 %',
    setup: { assignment: 'policy: { drop_overloads: [{ category: x, drop_percentage: { numerator: 100 } }] }' },
    upstream: null,
  },
  {
    name: 'drop-some',
    situation: 'drop_overloads of all but one in a million',
    setup: { assignment: 'policy: { drop_overloads: [{ category: x, drop_percentage: { numerator: 999999, denominator: MILLION } }] }' },
    upstream: null,
  },
  {
    name: 'plain-drop-all',
    situation: 'drop_overloads 100 %, no gRPC call',
    setup: { assignment: 'policy: { drop_overloads: [{ category: x, drop_percentage: { numerator: 100 } }] }' },
    caller: async (caller) => void (await caller.get()),
    upstream: null,
  },
];
