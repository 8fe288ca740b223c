// What both halves of xDS share: names of types, a node, resources as bytes.

/** `type.googleapis.com/envoy.config.cluster.v3.Cluster` and the like. */
export type TypeUrl = string;

export const TYPE_URLS: {
  readonly cluster: TypeUrl;
  readonly endpoint: TypeUrl;
  readonly listener: TypeUrl;
  readonly route: TypeUrl;
  readonly secret: TypeUrl;
} = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
};

/** The client of a control server: what Envoy sends as `node`, reduced to what Ringway reads (design: the node contract). */
export interface XdsNode {
  /** The member's id (inbound) or any unique id. */
  readonly id: string;
  /** `<ring>/<view>`. */
  readonly cluster: string;
  readonly zone: string;
  /** `node.metadata.ringway`, as plain JSON; {} when absent. */
  readonly ringway: Readonly<Record<string, unknown>>;
  /** `user_agent_name/version`, for people. */
  readonly userAgent: string;
}

/** One resource, encoded once; its bytes are shared by every stream. */
export interface EncodedResource {
  readonly name: string;
  /** A hash of the content: the same on every replica and after a restart. */
  readonly version: string;
  /** An encoded google.protobuf.Any. */
  readonly any: Uint8Array;
}

/** All resources of one type. `version` is a hash over names and versions. */
export interface ResourceSet {
  readonly version: string;
  readonly resources: ReadonlyMap<string, EncodedResource>;
}

/** The xDS resources of one view. A type that is absent has no resources. */
export interface Snapshot {
  readonly version: string;
  readonly types: ReadonlyMap<TypeUrl, ResourceSet>;
}
