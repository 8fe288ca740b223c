import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** Messages stay bytes: the protocol reads requests and joins responses itself. */
const asBytes = (bytes: Buffer): Buffer => bytes;

function method(path: string, kind: 'bidi' | 'server' | 'unary'): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: kind === 'bidi',
    responseStream: kind !== 'unary',
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  };
}

/** envoy/service/discovery/v3/ads.proto */
const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
export const ADS_SERVICE: ServiceDefinition = {
  streamAggregatedResources: method(`${ADS}/StreamAggregatedResources`, 'bidi'),
  deltaAggregatedResources: method(`${ADS}/DeltaAggregatedResources`, 'bidi'),
};

/** grpc/health/v1/health.proto */
export const HEALTH_SERVICE: ServiceDefinition = {
  check: method('/grpc.health.v1.Health/Check', 'unary'),
  watch: method('/grpc.health.v1.Health/Watch', 'server'),
};
