import { findField } from '../http2/index.ts';
import type { HeaderBlock } from '../http2/types.ts';

/** Status codes of gRPC (grpc/grpc doc/statuscodes.md). */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const names: readonly string[] = Object.keys(GrpcStatus);
const codes: ReadonlyMap<string, number> = new Map(Object.entries(GrpcStatus));

/** `UNAVAILABLE` for 14; `CODE_99` for a code gRPC does not know. */
export function grpcStatusName(code: number): string {
  return names[code] ?? `CODE_${code}`;
}

/** 14 for `UNAVAILABLE` or `unavailable`; undefined for no name of a code. */
export function grpcStatusCode(name: string): number | undefined {
  return codes.get(name.toUpperCase());
}

/** The value of a grpc-status field; UNKNOWN for what is no code (the rule of grpc/grpc doc/PROTOCOL-HTTP2.md). */
export function parseGrpcStatus(value: string): number {
  return /^\d{1,9}$/.test(value) ? Number(value) : GrpcStatus.UNKNOWN;
}

/** The grpc-status of a block, undefined without; read once a field object, as most come again. */
export function grpcStatusOf(block: HeaderBlock): number | undefined {
  const found = findField(block, 'grpc-status');
  if (found === undefined) return undefined;
  found.memo ??= parseGrpcStatus(found.value);
  return found.memo as number;
}

const BY_HTTP: ReadonlyMap<number, number> = new Map([
  [400, GrpcStatus.INTERNAL],
  [401, GrpcStatus.UNAUTHENTICATED],
  [403, GrpcStatus.PERMISSION_DENIED],
  [404, GrpcStatus.UNIMPLEMENTED],
  [429, GrpcStatus.UNAVAILABLE],
  [502, GrpcStatus.UNAVAILABLE],
  [503, GrpcStatus.UNAVAILABLE],
  [504, GrpcStatus.UNAVAILABLE],
]);

/** What an HTTP status means for a gRPC caller (grpc/grpc doc/http-grpc-status-mapping.md; Envoy source/common/grpc/status.cc). */
export function grpcStatusOfHttp(status: number): number {
  return BY_HTTP.get(status) ?? GrpcStatus.UNKNOWN;
}

const TO_HTTP: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** The HTTP status that stands for a grpc-status where only one of HTTP is counted (Envoy's grpcToHttpStatus); 500 for unknown codes. */
export function httpStatusOfGrpc(status: number): number {
  return TO_HTTP[status] ?? 500;
}
