import { Cluster as ClusterMessage } from '../../../gen/envoy/config/cluster/v3/cluster.ts';
import { clusterScope, type MetricRegistry } from '../../../telemetry/index.ts';
import { TYPE_URLS } from '../../../xds/types.ts';
import { CompileError, type ResourceCompiler } from '../../runtime/types.ts';
import type { TlsSources } from '../../tls/index.ts';
import { Cluster } from '../cluster.ts';
import type { ClusterDeps } from '../deps.ts';
import { compileClusterSettings } from './cluster.ts';

/** What compiled clusters stand on. */
export interface ClusterCompilerDeps extends Omit<ClusterDeps, 'releaseStats'> {
  readonly metrics: MetricRegistry;
  /** For certificates and keys. */
  readonly tlsSources: TlsSources;
}

/** Compiles Cluster resources (CDS, static_resources.clusters). A cluster does nothing before `Cluster.start`. */
export function createClusterCompiler(deps: ClusterCompilerDeps): ResourceCompiler<Cluster> {
  const users = new Map<string, number>();
  const releaseStats: ClusterDeps['releaseStats'] = (statName, scope) => {
    const left = (users.get(statName) ?? 1) - 1;
    users.set(statName, left);
    if (left > 0) return;
    users.delete(statName);
    scope.remove();
  };
  return {
    typeUrl: TYPE_URLS.cluster,
    compile(name, value) {
      const message = ClusterMessage.decode(value);
      if (message.name !== name) throw new CompileError('name', `"${message.name}" is not the resource's name "${name}"`);
      const { settings, dependencies } = compileClusterSettings(message, deps.tlsSources);
      users.set(settings.statName, (users.get(settings.statName) ?? 0) + 1);
      const compiled = new Cluster(settings, clusterScope(deps.metrics, settings.statName), { ...deps, releaseStats });
      return { compiled, dependencies };
    },
  };
}
