import { Cluster } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../src/gen/envoy/config/endpoint/v3/endpoint.ts';
import { Any } from '../../src/gen/google/protobuf/any.ts';
import { type EncodedResource, type ResourceSet, type Snapshot, TYPE_URLS, type TypeUrl } from '../../src/xds/types.ts';

/** Resources of a snapshot for protocol tests: name to version, by short type name. */
export interface SnapshotText {
  readonly version?: string;
  readonly cluster?: Readonly<Record<string, string>>;
  readonly endpoint?: Readonly<Record<string, string>>;
  readonly listener?: Readonly<Record<string, string>>;
  readonly route?: Readonly<Record<string, string>>;
  readonly secret?: Readonly<Record<string, string>>;
}

const SHORT_TYPES = ['cluster', 'endpoint', 'listener', 'route', 'secret'] as const;

/** A snapshot whose resources carry nothing but their names: for tests of the protocol, not for an Envoy. */
export function snapshotOf(text: SnapshotText): Snapshot {
  const types = new Map<TypeUrl, ResourceSet>();
  for (const short of SHORT_TYPES) {
    const resources = Object.entries(text[short] ?? {}).map(([name, version]) => bareResource(TYPE_URLS[short], name, version));
    if (text[short]) types.set(TYPE_URLS[short], resourceSet(resources));
  }
  return { version: text.version ?? [...types.values()].map((set) => set.version).join(';'), types };
}

/** A set whose version is made of its names and versions, as the contract asks. */
export function resourceSet(resources: readonly EncodedResource[]): ResourceSet {
  const version = resources.map(({ name, version }) => `${name}=${version}`).join(',');
  return { version, resources: new Map(resources.map((resource) => [resource.name, resource])) };
}

/** Encoded once per call: `value` is the message's bytes. */
export function encodedResource(typeUrl: TypeUrl, name: string, version: string, value: Uint8Array): EncodedResource {
  return { name, version, any: Any.encode({ typeUrl, value }).finish() };
}

function bareResource(typeUrl: TypeUrl, name: string, version: string): EncodedResource {
  if (typeUrl === TYPE_URLS.cluster)
    return encodedResource(typeUrl, name, version, Cluster.encode({ ...Cluster.decode(new Uint8Array()), name }).finish());
  const value = ClusterLoadAssignment.encode({ ...ClusterLoadAssignment.decode(new Uint8Array()), clusterName: name }).finish();
  return encodedResource(typeUrl, name, version, value);
}
