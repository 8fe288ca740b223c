import { DiscoveryRequest, DiscoveryResponse } from '../../gen/envoy/service/discovery/v3/discovery.ts';
import type { Interest } from './interest.ts';
import { nameInside } from './resource-name.ts';
import type { ReceivedResource } from './types.ts';
import { errorDetail, type Variant } from './variant.ts';

const EMPTY: DiscoveryRequest = {
  versionInfo: '',
  node: undefined,
  resourceNames: [],
  resourceLocators: [],
  typeUrl: '',
  responseNonce: '',
  errorDetail: undefined,
};

/** State-of-the-world xDS (api_type GRPC, AGGREGATED_GRPC). */
export const sotw: Variant = {
  method: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',

  *decodeInSteps(message) {
    const decoded = yield* DiscoveryResponse.decodeInSteps(message);
    const resources: ReceivedResource[] = [];
    for (const { typeUrl, value } of decoded.resources) {
      // A copy: what is kept of one resource must not keep the whole message.
      resources.push({ name: nameInside(value), version: decoded.versionInfo, typeUrl, value: Buffer.from(value) });
      yield;
    }
    return {
      typeUrl: decoded.typeUrl,
      version: decoded.versionInfo,
      nonce: decoded.nonce,
      identifier: decoded.controlPlane?.identifier ?? '',
      resources,
      removed: [],
    };
  },

  first(type, node) {
    return encode({ node, typeUrl: type.typeUrl, versionInfo: type.version, resourceNames: namesOf(type.interest) });
  },

  change(type, node) {
    return encode({
      node,
      typeUrl: type.typeUrl,
      versionInfo: type.version,
      responseNonce: type.nonce,
      resourceNames: namesOf(type.interest),
    });
  },

  answer(type, nonce, error, node) {
    return encode({
      node,
      typeUrl: type.typeUrl,
      versionInfo: type.version,
      responseNonce: nonce,
      resourceNames: namesOf(type.interest),
      errorDetail: errorDetail(error),
    });
  },

  toUpdate: (type, response) => type.toFullUpdate(response),
};

function namesOf(interest: Interest): string[] {
  return interest.kind === 'names' ? [...interest.names].sort() : [];
}

function encode(request: Partial<DiscoveryRequest>): Uint8Array {
  return DiscoveryRequest.encode({ ...EMPTY, ...request }).finish();
}
