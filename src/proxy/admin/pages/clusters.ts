import type { Cluster, Host } from '../../cluster/index.ts';
import { jsonInPieces } from '../json-pieces.ts';
import { type AdminPage, textInPieces } from '../page.ts';
import type { HostElsewhere } from '../types.ts';

/** A serving cluster and where it came from. */
export interface ClusterView {
  readonly cluster: Cluster;
  readonly isAddedViaApi: boolean;
  /** What other processes of this sidecar have under way to one of its addresses. */
  elsewhere(address: string): HostElsewhere;
}

/** `/clusters`: hosts, their health and their counters, as text lines or as envoy.admin.v3.Clusters. */
export function clustersPage(clusters: () => readonly ClusterView[], refresh: () => void | Promise<void>): AdminPage {
  return {
    path: '/clusters',
    method: 'GET',
    summary: 'upstream cluster status (format=text|json)',
    reply: async ({ query }) => {
      await refresh();
      const views = clusters().toSorted((a, b) => (a.cluster.name < b.cluster.name ? -1 : 1));
      if (query.get('format') === 'json') return jsonInPieces({ cluster_statuses: views.map((view) => () => clusterJson(view)) });
      return textInPieces(clustersText(views));
    },
  };
}

function* clustersText(views: readonly ClusterView[]): Generator<string, void> {
  for (const view of views) yield `${clusterLines(view).join('\n')}\n`;
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

function clusterLines({ cluster, isAddedViaApi, elsewhere }: ClusterView): string[] {
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
  for (const host of cluster.hosts) lines.push(...hostLines(host, elsewhere(host.address)));
  return lines.map((line) => `${cluster.name}::${line}`);
}

function hostLines(host: Host, elsewhere: HostElsewhere): string[] {
  const { endpoint } = host;
  const values: readonly (readonly [string, string | number | boolean])[] = [
    ...[...countersOf(host), ...gaugesOf(host, elsewhere)].sort(([a], [b]) => (a < b ? -1 : 1)),
    ['hostname', endpoint.hostname],
    ['health_flags', healthFlags(host, elsewhere)],
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

/** A host that is out anywhere is shown as out. */
function healthFlags(host: Host, { isEjected }: HostElsewhere): string {
  if (!isEjected || host.ejection.state === 'ejected') return host.healthFlags;
  return `/failed_outlier_check${host.healthFlags === 'healthy' ? '' : host.healthFlags}`;
}

function gaugesOf(host: Host, elsewhere: HostElsewhere): [string, number][] {
  return [
    ['cx_active', host.cxActive + elsewhere.cxActive],
    ['rq_active', host.rqActive + elsewhere.rqActive],
    ['rq_pending_active', host.rqPendingActive + elsewhere.rqPendingActive],
  ];
}

/** envoy.admin.v3.ClusterStatus in canonical JSON: zero values are left out, 64-bit numbers are strings. */
function clusterJson({ cluster, isAddedViaApi, elsewhere }: ClusterView): unknown {
  return {
    name: cluster.name,
    ...(isAddedViaApi ? { added_via_api: true } : {}),
    ...(cluster.hosts.length === 0 ? {} : { host_statuses: cluster.hosts.map((host) => hostJson(host, elsewhere(host.address))) }),
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

function hostJson(host: Host, elsewhere: HostElsewhere): unknown {
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
      ...gaugesOf(host, elsewhere).map(([name, value]) => number(name, value, 'GAUGE')),
    ],
    health_status: {
      eds_health_status: edsHealth(host),
      ...(host.ejection.state === 'ejected' || elsewhere.isEjected ? { failed_outlier_check: true } : {}),
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
