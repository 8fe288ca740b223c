import { GrpcStatus, grpcStatusOfHttp, grpcStatusOf as readGrpcStatus } from '../../../grpc/index.ts';
import { findField } from '../../../http2/index.ts';
import type { HeaderBlock } from '../../../http2/types.ts';
import type { RequestRecord } from '../record.ts';

/** gRPC codes by number, as %GRPC_STATUS% writes them. */
const NAMES: readonly string[] = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/**
 * The status of a gRPC call: from trailers, else headers, else what its HTTP status stands for; undefined for other requests, and when no
 * response was begun.
 */
export function grpcStatusOf(record: RequestRecord): number | undefined {
  if (!record.isGrpc || record.responseCode === 0) return undefined;
  const found = grpcStatusIn(record.responseTrailers) ?? grpcStatusIn(record.responseHeaders);
  return found ?? grpcStatusOfHttp(record.responseCode);
}

/** -1 for a value that is no number: a caller takes it for UNKNOWN, a log says what it was. */
function grpcStatusIn(block: HeaderBlock): number | undefined {
  const status = readGrpcStatus(block);
  return status === GrpcStatus.UNKNOWN && findField(block, 'grpc-status')?.value !== '2' ? -1 : status;
}

/** `DeadlineExceeded` for 4; the number itself for a code gRPC does not know, -1 for what is no number. */
export function grpcStatusName(status: number): string {
  return NAMES[status] ?? String(status);
}

/** `DEADLINE_EXCEEDED` for 4. */
export function grpcStatusSnakeName(status: number): string {
  return grpcStatusName(status)
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replace('Canceled', 'Cancelled')
    .toUpperCase();
}
