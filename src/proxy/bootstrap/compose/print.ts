import { jsonToYaml, messageToJson } from '../../../envoy/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';

/** A bootstrap of ours as commented YAML that Envoy reads, too. */
export function bootstrapYaml(bootstrap: Bootstrap): string {
  return jsonToYaml(messageToJson('envoy.config.bootstrap.v3.Bootstrap', bootstrap), { comments: commentsOn(bootstrap) });
}

function commentsOn(bootstrap: Bootstrap): ReadonlyMap<string, string> {
  const { node, staticResources, dynamicResources, admin } = bootstrap;
  const isInbound = node?.cluster.endsWith('/inbound') === true;
  const atStart = node?.id ? '' : ' --service-node <name>';
  const comments = new Map<string, string>([['', headOf(isInbound, atStart)]]);
  comments.set('node.cluster', 'What control reads: <ring>/<view>.');
  if (node?.id) comments.set('node.id', isInbound ? "The member's id in the ring." : 'Any name that no other sidecar has.');
  if (node?.metadata !== undefined) {
    const reader = isInbound
      ? 'What ringway sidecar reads: how it announces this member over NATS. Envoy does not.'
      : 'What control reads: where to put the listener.';
    comments.set('node.metadata', reader);
  }
  for (const [index, { name }] of (staticResources?.listeners ?? []).entries()) {
    comments.set(`static_resources.listeners[${index}]`, `${name}: the advertised address, the one that the ring says.`);
  }
  for (const [index, { name }] of (staticResources?.clusters ?? []).entries()) {
    comments.set(`static_resources.clusters[${index}]`, name === 'xds' ? 'xds: the control server.' : `${name}: the live-store.`);
  }
  if (dynamicResources) {
    const text = isInbound
      ? 'Control may add to this; nothing here waits for it.'
      : 'Listeners, routes, clusters and endpoints come from control.';
    comments.set('dynamic_resources', text);
  }
  if (admin) comments.set('admin', 'No password: keep it on loopback.');
  return comments;
}

function headOf(isInbound: boolean, atStart: string): string {
  const what = isInbound ? 'Sidecar beside a live-store' : 'Sidecar beside a querier';
  return `${what}. Run it with either of:\n  ringway sidecar -c <this file>${atStart}\n  envoy -c <this file> --use-dynamic-base-id${atStart}`;
}
