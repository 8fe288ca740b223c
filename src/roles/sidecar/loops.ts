import { formatHostPort, RingwayError } from '../../core/index.ts';
import { loopReason } from '../../proxy/bootstrap/index.ts';
import type { Cluster } from '../../proxy/cluster/index.ts';
import type { Listener } from '../../proxy/listener/index.ts';
import type { Entry, RuntimeResources } from '../../proxy/runtime/index.ts';

/** Something that leads from one listener to another through a cluster. */
interface Hop {
  readonly from: Listener;
  readonly cluster: string;
  readonly address: string;
  readonly to: Listener;
  readonly reason: string;
}

/**
 * Throws RingwayError `CONFIG` when a static listener forwards to a static cluster that leads back to it, directly or through other
 * listeners of the same bootstrap: every request would go round until something breaks.
 */
export function refuseLoops(resources: Pick<RuntimeResources, 'listeners' | 'clusters'>, ownAddresses: readonly string[]): void {
  const listeners = resources.listeners as readonly Entry<Listener>[];
  const clusters = new Map((resources.clusters as readonly Entry<Cluster>[]).map((entry) => [entry.name, compiledOf(entry)]));
  const hops = listeners.flatMap((entry) => hopsOf(entry, listeners.map(compiledOf), clusters, ownAddresses));
  for (const hop of hops) {
    if (!leadsTo(hop.to, hop.from, hops, new Set())) continue;
    throw new RingwayError(
      `loop: listener '${hop.from.name}' forwards to cluster '${hop.cluster}' at ${hop.address}, where listener '${hop.to.name}' listens (${formatHostPort(hop.to.settings.address)}): ${hop.reason}`,
      { code: 'CONFIG' },
    );
  }
}

function hopsOf(
  entry: Entry<Listener>,
  listeners: readonly Listener[],
  clusters: ReadonlyMap<string, Cluster>,
  ownAddresses: readonly string[],
): Hop[] {
  const from = compiledOf(entry);
  const named = (entry.active ?? entry.warming)?.dependencies.clusters ?? [];
  return named.flatMap((cluster) =>
    targetsOf(clusters.get(cluster)).flatMap((target) =>
      listeners.flatMap((to): Hop[] => {
        const reason = isOwn(target.host, ownAddresses) ? loopReason(to.settings.address, target, ownAddresses) : undefined;
        return reason === undefined ? [] : [{ from, cluster, address: formatHostPort(target), to, reason }];
      }),
    ),
  );
}

/** Only what this machine answers can lead back; a listener on every address does not make every host its own. */
function isOwn(host: string, ownAddresses: readonly string[]): boolean {
  return host === '0.0.0.0' || host === '::' || /^127\./.test(host) || ownAddresses.includes(host) || host === 'localhost';
}

function targetsOf(cluster: Cluster | undefined): { readonly host: string; readonly port: number }[] {
  if (!cluster) return [];
  const { discovery } = cluster.settings;
  if (discovery.type === 'STRICT_DNS') return discovery.endpoints.map(({ name, port }) => ({ host: name, port }));
  return cluster.hosts.map(({ endpoint }) => ({ host: endpoint.ip, port: endpoint.port }));
}

function leadsTo(from: Listener, goal: Listener, hops: readonly Hop[], seen: Set<Listener>): boolean {
  if (from === goal) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return hops.some((hop) => hop.from === from && leadsTo(hop.to, goal, hops, seen));
}

function compiledOf<T>({ active, warming }: Entry<T>): T {
  return (active ?? warming)?.compiled as T;
}
