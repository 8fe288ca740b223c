// What a message is called in an error: people look for their cluster, not for an index.
import type { SourceMap } from '../source/node.ts';

const RESOURCES: Readonly<Record<string, { readonly title: string; readonly key: string }>> = {
  'envoy.config.listener.v3.Listener': { title: 'listener', key: 'name' },
  'envoy.config.cluster.v3.Cluster': { title: 'cluster', key: 'name' },
  'envoy.config.endpoint.v3.ClusterLoadAssignment': { title: 'cluster load assignment', key: 'cluster_name' },
  'envoy.config.route.v3.RouteConfiguration': { title: 'route configuration', key: 'name' },
  'envoy.config.route.v3.VirtualHost': { title: 'virtual host', key: 'name' },
  'envoy.extensions.transport_sockets.tls.v3.Secret': { title: 'secret', key: 'name' },
};

/** `cluster "a"` when a message of type `name` is a resource that has a name, else ''. */
export function resourceIn(name: string, node: SourceMap): string {
  const resource = Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
  if (!resource) return '';
  const value = node.entries.findLast(({ key }) => key === resource.key)?.value;
  return value?.kind === 'scalar' && typeof value.value === 'string' && value.value !== '' ? `${resource.title} "${value.value}"` : '';
}
