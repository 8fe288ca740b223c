import type { Cluster, Host } from '../../cluster/index.ts';
import { type AdminPage, json, text } from '../page.ts';

/** A serving cluster and where it came from. */
export interface ClusterView {
  readonly cluster: Cluster;
  readonly isAddedViaApi: boolean;
}

/** `/clusters`: hosts, their health and their counters, as text lines or as envoy.admin.v3.Clusters. */
export function clustersPage(clusters: () => readonly ClusterView[]): AdminPage {
  return {
    path: '/clusters',
    method: 'GET',
    summary: 'upstream cluster status (format=text|json)',
    reply: ({ query }) => {
      const views = clusters().toSorted((a, b) => (a.cluster.name < b.cluster.name ? -1 : 1));
      if (query.get('format') === 'json') return json({ cluster_statuses: views.map(clusterJson) });
      return text(
        views
          .flatMap(clusterLines)
          .map((line) => `${line}\n`)
          .join(''),
      );
    },
  };
}

const PRIORITIES = ['default', 'high'] as const;
/** -1: none was computed. */
const OUTLIER_RATES = [
  'success_rate_average',
  'success_rate_ejection_threshold',
  'local_origin_success_rate_average',
  'local_origin_success_rate_ejection_threshold',
];
/** Envoy prints the largest 32-bit number where there is no limit. */
const UNLIMITED = 4_294_967_295;

function clusterLines({ cluster, isAddedViaApi }: ClusterView): string[] {
  const lines = [`observability_name::${cluster.settings.statName}`];
  if (cluster.settings.outlier) lines.push(...OUTLIER_RATES.map((name) => `outlier::${name}::-1`));
  for (const priority of PRIORITIES) {
    const { limits } = cluster.breakers[priority];
    const limit = (name: string, value: number): number => lines.push(`${priority}_priority::${name}::${Math.min(value, UNLIMITED)}`);
    limit('max_connections', limits.maxConnections);
    limit('max_pending_requests', limits.maxPendingRequests);
    limit('max_requests', limits.maxRequests);
    limit('max_retries', limits.maxRetries);
  }
  lines.push(`added_via_api::${isAddedViaApi}`);
  for (const host of cluster.hosts) lines.push(...hostLines(host));
  return lines.map((line) => `${cluster.name}::${line}`);
}

function hostLines(host: Host): string[] {
  const { endpoint } = host;
  const values: readonly (readonly [string, string | number | boolean])[] = [
    ...[...countersOf(host), ...gaugesOf(host)].sort(([a], [b]) => (a < b ? -1 : 1)),
    ['hostname', endpoint.hostname],
    ['health_flags', host.healthFlags],
    ['weight', endpoint.weight],
    ['region', endpoint.locality.region],
    ['zone', endpoint.locality.zone],
    ['sub_zone', endpoint.locality.subZone],
    ['canary', false],
    ['priority', endpoint.priority],
    ['success_rate', -1],
    ['local_origin_success_rate', -1],
  ];
  return values.map(([name, value]) => `${host.address}::${name}::${value}`);
}

function countersOf(host: Host): [string, number][] {
  return [
    ['cx_connect_fail', host.cxConnectFail],
    ['cx_total', host.cxTotal],
    ['rq_error', host.rqError],
    ['rq_success', host.rqSuccess],
    ['rq_timeout', host.rqTimeout],
    ['rq_total', host.rqTotal],
  ];
}

function gaugesOf(host: Host): [string, number][] {
  return [
    ['cx_active', host.cxActive],
    ['rq_active', host.rqActive],
    ['rq_pending_active', host.rqPendingActive],
  ];
}

/** envoy.admin.v3.ClusterStatus in canonical JSON: zero values are left out, 64-bit numbers are strings. */
function clusterJson({ cluster, isAddedViaApi }: ClusterView): unknown {
  return {
    name: cluster.name,
    ...(isAddedViaApi ? { added_via_api: true } : {}),
    ...(cluster.hosts.length === 0 ? {} : { host_statuses: cluster.hosts.map(hostJson) }),
    circuit_breakers: {
      thresholds: PRIORITIES.map((priority) => {
        const { limits } = cluster.breakers[priority];
        return {
          ...(priority === 'high' ? { priority: 'HIGH' } : {}),
          max_connections: Math.min(limits.maxConnections, UNLIMITED),
          max_pending_requests: Math.min(limits.maxPendingRequests, UNLIMITED),
          max_requests: Math.min(limits.maxRequests, UNLIMITED),
          max_retries: Math.min(limits.maxRetries, UNLIMITED),
        };
      }),
    },
    observability_name: cluster.settings.statName,
    ...(cluster.settings.discovery.type === 'EDS' ? { eds_service_name: cluster.settings.discovery.serviceName } : {}),
  };
}

function hostJson(host: Host): unknown {
  const { endpoint } = host;
  const { region, zone, subZone } = endpoint.locality;
  const number = (name: string, value: number, type?: string): unknown => ({
    ...(type ? { type } : {}),
    ...(value === 0 ? {} : { value: String(value) }),
    name,
  });
  return {
    address: { socket_address: { address: endpoint.ip, port_value: endpoint.port } },
    stats: [
      ...countersOf(host).map(([name, value]) => number(name, value)),
      ...gaugesOf(host).map(([name, value]) => number(name, value, 'GAUGE')),
    ],
    health_status: {
      eds_health_status: edsHealth(host),
      ...(host.ejection.state === 'ejected' ? { failed_outlier_check: true } : {}),
    },
    weight: endpoint.weight,
    ...(endpoint.hostname === '' ? {} : { hostname: endpoint.hostname }),
    ...(endpoint.priority === 0 ? {} : { priority: endpoint.priority }),
    locality: { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(subZone ? { sub_zone: subZone } : {}) },
  };
}

/** Envoy writes HEALTHY for an endpoint whose health EDS did not say. */
function edsHealth({ endpoint }: Host): string {
  return endpoint.healthStatus === 'UNKNOWN' ? 'HEALTHY' : endpoint.healthStatus;
}
