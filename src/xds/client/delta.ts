import { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from '../../gen/envoy/service/discovery/v3/discovery.ts';
import { type Interest, namesBeyond } from './interest.ts';
import type { ReceivedResource } from './types.ts';
import { errorDetail, type Variant } from './variant.ts';

const NONE: ReadonlySet<string> = new Set();

const EMPTY: DeltaDiscoveryRequest = {
  node: undefined,
  typeUrl: '',
  resourceNamesSubscribe: [],
  resourceNamesUnsubscribe: [],
  resourceLocatorsSubscribe: [],
  resourceLocatorsUnsubscribe: [],
  initialResourceVersions: new Map(),
  responseNonce: '',
  errorDetail: undefined,
};

/** Incremental xDS (api_type DELTA_GRPC, AGGREGATED_DELTA_GRPC). */
export const delta: Variant = {
  method: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',

  *decodeInSteps(message) {
    const decoded = yield* DeltaDiscoveryResponse.decodeInSteps(message);
    const resources: ReceivedResource[] = [];
    for (const { name, version, resource } of decoded.resources) {
      // Without a body it is a TTL heartbeat: nothing changed. A copy: what is kept of one resource must not keep the whole message.
      if (resource) resources.push({ name, version, typeUrl: resource.typeUrl, value: Buffer.from(resource.value) });
      yield;
    }
    return {
      typeUrl: decoded.typeUrl,
      version: decoded.systemVersionInfo,
      nonce: decoded.nonce,
      identifier: decoded.controlPlane?.identifier ?? '',
      resources,
      removed: decoded.removedResources,
    };
  },

  first(type, node) {
    return encode({
      node,
      typeUrl: type.typeUrl,
      // An empty list in the first request of a type is the legacy wildcard, which is how Envoy asks for all of it.
      resourceNamesSubscribe: [...namesOf(type.interest)].sort(),
      initialResourceVersions: new Map(type.accepted),
    });
  },

  change(type, node) {
    const before = type.asked ? namesOf(type.asked) : NONE;
    const after = namesOf(type.interest);
    return encode({
      node,
      typeUrl: type.typeUrl,
      resourceNamesSubscribe: namesBeyond(after, before),
      resourceNamesUnsubscribe: namesBeyond(before, after),
    });
  },

  answer: (type, nonce, error, node) => encode({ node, typeUrl: type.typeUrl, responseNonce: nonce, errorDetail: errorDetail(error) }),

  toUpdate: (type, response) => type.toUpdate(response),
};

function namesOf(interest: Interest): ReadonlySet<string> {
  return interest.kind === 'names' ? interest.names : NONE;
}

function encode(request: Partial<DeltaDiscoveryRequest>): Uint8Array {
  return DeltaDiscoveryRequest.encode({ ...EMPTY, ...request }).finish();
}
