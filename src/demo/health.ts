import { HealthCheckResponse, HealthCheckResponse_ServingStatus } from '../gen/grpc/health/v1/health.ts';
import { encode } from './messages.ts';

export const HEALTH_PATH = '/grpc.health.v1.Health/Check';

/** The answer to a health check: NOT_SERVING is an OK answer too. */
export function encodeHealth(isServing: boolean): Uint8Array {
  const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
  return encode(HealthCheckResponse, { status: isServing ? SERVING : NOT_SERVING });
}

export function saysServing(answer: Uint8Array): boolean {
  return HealthCheckResponse.decode(answer).status === HealthCheckResponse_ServingStatus.SERVING;
}
