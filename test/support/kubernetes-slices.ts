// EndpointSlices as the API server has them, as short as a test wants to write them.

/** An EndpointSlice of discovery.k8s.io/v1. */
export interface SliceObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    /** Written by the API server. */
    readonly resourceVersion?: string;
  };
  readonly addressType: string;
  readonly endpoints: readonly EndpointObject[] | null;
  readonly ports: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[] | null;
}

export interface EndpointObject {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef?: { readonly kind: string; readonly name: string; readonly uid?: string; readonly namespace?: string };
  readonly zone?: string;
  readonly hints?: { readonly forZones: readonly { readonly name: string }[] };
}

/** A slice of the Service `live-store` in namespace `tempo`, of IPv4, with Tempo's one port. */
export function slice(
  name: string,
  endpoints: readonly EndpointObject[],
  fields: Partial<SliceObject> & { readonly service?: string } = {},
): SliceObject {
  const { service = 'live-store', ...rest } = fields;
  return {
    metadata: { name, namespace: 'tempo', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http-metrics', port: 3200, protocol: 'TCP' }],
    ...rest,
  };
}

/** A pod as an endpoint; it serves unless told otherwise. Its uid is made from its name. */
export function pod(name: string, address: string, fields: Partial<EndpointObject> = {}): EndpointObject {
  return {
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: 'machine-1',
    targetRef: { kind: 'Pod', name, namespace: 'tempo', uid: `uid-of-${name}` },
    ...fields,
  };
}
