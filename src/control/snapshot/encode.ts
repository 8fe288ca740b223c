import { createHash } from 'node:crypto';
import { type MessageName, type MessageValue, packAny, typeUrlOf } from '../../envoy/index.ts';
import { Any } from '../../gen/google/protobuf/any.ts';
import type { EncodedResource, ResourceSet, Snapshot, TypeUrl } from '../../xds/types.ts';
import type { Resources } from './egress.ts';

/** 96 bits: two different contents with one version will not be met. */
const VERSION_LENGTH = 16;

/** The snapshot of a client that needs nothing from control yet. */
export const emptySnapshot: Snapshot = { version: hashOf([]), types: new Map() };

/** Messages as bytes with versions. The same messages give the same versions on every replica: they are hashes of the bytes. */
export function encodeSnapshot({ clusters, endpoints, listeners, routes }: Resources): Snapshot {
  const types = new Map<TypeUrl, ResourceSet>([
    encodeSet('envoy.config.cluster.v3.Cluster', clusters, ({ name }) => name),
    encodeSet('envoy.config.endpoint.v3.ClusterLoadAssignment', endpoints, ({ clusterName }) => clusterName),
    encodeSet('envoy.config.listener.v3.Listener', listeners, ({ name }) => name),
    encodeSet('envoy.config.route.v3.RouteConfiguration', routes, ({ name }) => name),
  ]);
  return { version: hashOf([...types].flatMap(([type, { version }]) => [type, version])), types };
}

function encodeSet<Name extends MessageName>(
  type: Name,
  messages: readonly MessageValue<Name>[],
  nameOf: (message: MessageValue<Name>) => string,
): [TypeUrl, ResourceSet] {
  const resources = messages.map((message) => encodeOnce(type, message, nameOf(message)));
  const version = hashOf(resources.flatMap((resource) => [resource.name, resource.version]));
  return [typeUrlOf(type), { version, resources: new Map(resources.map((resource) => [resource.name, resource])) }];
}

/** Messages are never changed once made, so that one that comes again has the bytes it had. */
const encoded = new WeakMap<object, EncodedResource>();

function encodeOnce<Name extends MessageName>(type: Name, message: MessageValue<Name>, name: string): EncodedResource {
  const known = encoded.get(message);
  if (known) return known;
  const any = Any.encode(packAny(type, message)).finish();
  const resource: EncodedResource = { name, version: hashOf([any]), any };
  encoded.set(message, resource);
  return resource;
}

/** Each part is followed by its length, so that no two lists of parts run into the same bytes. */
function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update(`\0${part.length}\0`);
  return hash.digest('base64url').slice(0, VERSION_LENGTH);
}
