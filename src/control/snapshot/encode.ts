import { createHash } from 'node:crypto';
import { Cluster } from '../../gen/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../gen/envoy/config/endpoint/v3/endpoint.ts';
import { Listener } from '../../gen/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../../gen/envoy/config/route/v3/route.ts';
import { type EncodedResource, type ResourceSet, type Snapshot, TYPE_URLS, type TypeUrl } from '../../xds/types.ts';
import type { Resources } from './egress.ts';
import { type Codec, encodeAny } from './values.ts';

/** 96 bits: two different contents with one version will not be met. */
const VERSION_LENGTH = 16;

/** The snapshot of a client that needs nothing from control yet. */
export const emptySnapshot: Snapshot = { version: hashOf(), types: new Map() };

/** Messages as bytes with versions. The same messages give the same versions on every replica: they are hashes of the bytes. */
export function encodeSnapshot(resources: Resources): Snapshot {
  const types = new Map<TypeUrl, ResourceSet>([
    encodeSet(TYPE_URLS.cluster, Cluster, resources.clusters, ({ name }) => name),
    encodeSet(TYPE_URLS.endpoint, ClusterLoadAssignment, resources.endpoints, ({ clusterName }) => clusterName),
    encodeSet(TYPE_URLS.listener, Listener, resources.listeners, ({ name }) => name),
    encodeSet(TYPE_URLS.route, RouteConfiguration, resources.routes, ({ name }) => name),
  ]);
  return { version: hashOf(...[...types].flatMap(([type, { version }]) => [type, version])), types };
}

function encodeSet<T>(type: TypeUrl, codec: Codec<T>, messages: readonly T[], nameOf: (message: T) => string): [TypeUrl, ResourceSet] {
  const resources = messages.map((message): EncodedResource => {
    const any = encodeAny(type, codec, message);
    return { name: nameOf(message), version: hashOf(any), any };
  });
  const version = hashOf(...resources.flatMap((resource) => [resource.name, resource.version]));
  return [type, { version, resources: new Map(resources.map((resource) => [resource.name, resource])) }];
}

/** Each part is followed by its length, so that no two lists of parts run into the same bytes. */
function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update(`\0${part.length}\0`);
  return hash.digest('base64url').slice(0, VERSION_LENGTH);
}
