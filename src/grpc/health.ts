import { RingwayError } from '../core/index.ts';

/** grpc.health.v1 (grpc/grpc-proto grpc/health/v1/health.proto). */
export const HEALTH_CHECK_METHOD = '/grpc.health.v1.Health/Check';

export type ServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
const STATUSES: readonly ServingStatus[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const SERVICE_TAG = 0x0a;
const STATUS_TAG = 0x08;

/** HealthCheckRequest as protobuf; '' asks about the server as a whole. */
export function encodeHealthRequest(service: string): Buffer {
  const text = Buffer.from(service);
  if (text.length > 127)
    throw new RingwayError(`health service name of ${text.length} bytes, at most 127 are allowed`, { code: 'BAD_SERVICE' });
  return text.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([SERVICE_TAG, text.length]), text]);
}

/** HealthCheckResponse as protobuf. */
export function encodeHealthResponse(status: ServingStatus): Buffer {
  const number = STATUSES.indexOf(status);
  return number === 0 ? Buffer.alloc(0) : Buffer.from([STATUS_TAG, number]);
}

/** The status of a HealthCheckResponse; UNKNOWN for a number it does not know. Throws RingwayError BAD_MESSAGE for other bytes. */
export function parseHealthResponse(message: Uint8Array): ServingStatus {
  if (message.length === 0) return 'UNKNOWN';
  if (message.length !== 2 || message[0] !== STATUS_TAG || message[1]! > 127) {
    throw new RingwayError('not a HealthCheckResponse: one field of one byte is allowed', { code: 'BAD_MESSAGE' });
  }
  return STATUSES[message[1]!] ?? 'UNKNOWN';
}
