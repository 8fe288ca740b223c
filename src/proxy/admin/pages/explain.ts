import { messageOf, type Random } from '../../../core/index.ts';
import { headerBlock } from '../../../http2/index.ts';
import type { HeaderBlock } from '../../../http2/types.ts';
import type { Cluster } from '../../cluster/index.ts';
import { chooseCluster } from '../../route/index.ts';
import type { Route, RouteTable } from '../../route/types.ts';
import { type AdminPage, type AdminReply, type AdminRequest, json, text } from '../page.ts';

/** What `/explain` looks at: routes by the name of their configuration, and serving clusters. */
export interface ExplainSource {
  readonly routes: () => readonly RouteTable[];
  readonly cluster: (name: string) => Cluster | undefined;
  readonly random: Random;
}

/** `/explain?authority=…&path=…`: how a gRPC request with these would be routed now, and why it may fail. Any other parameter is a header. */
export function explainPage(source: ExplainSource): AdminPage {
  return {
    path: '/explain',
    method: 'GET',
    summary: 'say how a request would be routed (authority, path, and headers by name)',
    reply: (request) => explain(source, request),
  };
}

function explain(source: ExplainSource, { query }: AdminRequest): AdminReply {
  const authority = query.get('authority');
  const path = query.get('path');
  if (authority === null || path === null)
    return text('usage: /explain?authority=<host:port>&path=</package.Service/Method>[&<header>=<value>]\n', 400);
  let headers: HeaderBlock;
  try {
    headers = headersOf(authority, path, query);
  } catch (error) {
    return text(`${messageOf(error)}\n`, 400);
  }
  return json({
    authority,
    path,
    routes: source.routes().map((table) => {
      const route = table.route(authority, path, headers);
      if (!route) return { route_config: table.name, outcome: 'no route matches: gRPC status 12' };
      return { route_config: table.name, virtual_host: route.virtualHost, route: route.name, ...target(source, route, headers) };
    }),
  });
}

/** Throws RingwayError for what may be in no header. */
function headersOf(authority: string, path: string, query: URLSearchParams): HeaderBlock {
  const given = [...query].filter(([name]) => name !== 'authority' && name !== 'path');
  return headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', authority],
    [':path', path],
    ['content-type', 'application/grpc'],
    ...given.map(([name, value]): [string, string] => [name.toLowerCase(), value]),
  ]);
}

function target({ cluster: find, random }: ExplainSource, { action }: Route, headers: HeaderBlock): Record<string, unknown> {
  if (action.kind === 'direct-response') return { outcome: `answers by itself with HTTP ${action.status}` };
  const name = chooseCluster(action.cluster, headers, random);
  const cluster = find(name);
  if (!cluster) return { cluster: name, outcome: `cluster "${name}" is not there: gRPC status 14, flag NC` };
  const hosts = cluster.hosts.map((host) => ({
    address: host.address,
    priority: host.priority,
    zone: host.endpoint.locality.zone,
    health: host.healthFlags,
  }));
  const usable = cluster.hosts.filter((host) => host.health !== 'unhealthy');
  const first = Math.min(...usable.map((host) => host.priority));
  const outcome =
    usable.length === 0
      ? 'no host is healthy: gRPC status 14, flag UH'
      : `one of ${usable
          .filter((host) => host.priority === first)
          .map((host) => host.address)
          .join(', ')}`;
  const retries = action.retry ? action.retry.numRetries : 0;
  return { cluster: name, outcome, retries, hedges: action.retry?.hedges ?? false, timeout_ms: action.timeouts.wholeMs, hosts };
}
