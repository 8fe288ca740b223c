import type { TcpProxy } from '../../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { compileAccessLogs } from '../../access-log/index.ts';
import type { ClusterChoice } from '../../route/types.ts';
import { durationMs, fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import type { FilterDeps } from '../deps.ts';
import { IdleSweep } from '../idle-sweep.ts';
import type { CompiledFilter } from '../types.ts';
import { TcpConnection, type TcpContext } from './connection.ts';
import { createTcpStats } from './stats.ts';

const HOUR = 3_600_000;

/** Compiles a TcpProxy. Throws CompileError. */
export function compileTcpProxy(path: string, message: TcpProxy, deps: FilterDeps): CompiledFilter {
  refuseOthers(path, message, {
    reads: ['statPrefix', 'clusterSpecifier', 'idleTimeout', 'accessLog', 'maxConnectAttempts'],
    harmless: [],
  });
  if (message.statPrefix === '') refuse(fieldPath(path, 'statPrefix'), 'is required');
  const maxConnectAttempts = message.maxConnectAttempts ?? 1;
  if (maxConnectAttempts < 1) refuse(fieldPath(path, 'maxConnectAttempts'), 'must be at least 1');
  const cluster = clusterOf(path, message);
  const idleTimeoutMs = durationMs(fieldPath(path, 'idleTimeout'), message.idleTimeout, HOUR) || null;
  const context: TcpContext = {
    settings: {
      cluster,
      idleTimeoutMs,
      maxConnectAttempts,
      accessLogs: compileAccessLogs(fieldPath(path, 'accessLog'), message.accessLog, deps.accessLogs),
    },
    deps,
    stats: createTcpStats(deps.metrics, message.statPrefix),
    sweep: new IdleSweep(deps.clock, idleTimeoutMs ?? Number.POSITIVE_INFINITY),
  };
  const clusters = cluster.kind === 'weighted' ? cluster.clusters.map(({ name }) => name) : cluster.kind === 'one' ? [cluster.name] : [];
  return {
    filter: { accept: (accepted, onClosed) => new TcpConnection(context, accepted, onClosed) },
    dependencies: { clusters },
  };
}

function clusterOf(path: string, { clusterSpecifier }: TcpProxy): ClusterChoice {
  if (!clusterSpecifier) return refuse(fieldPath(path, 'clusterSpecifier'), 'is required');
  if (clusterSpecifier.$case === 'cluster') return { kind: 'one', name: clusterSpecifier.value };
  const at = fieldPath(path, 'weightedClusters');
  const clusters = clusterSpecifier.value.clusters.map((cluster, i) => {
    refuseOthers(fieldPath(at, `clusters[${i}]`), cluster, { reads: ['name', 'weight'], harmless: [] });
    return { name: cluster.name, weight: cluster.weight };
  });
  const totalWeight = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (totalWeight < 1) refuse(at, 'needs a cluster with a weight of at least 1');
  return { kind: 'weighted', totalWeight, clusters };
}
