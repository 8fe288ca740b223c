import { ErrorCode } from '../http2/index.ts';
import type { StreamReset } from '../http2/types.ts';
import { GrpcStatus } from './status.ts';

const BY_RESET: ReadonlyMap<number, number> = new Map([
  [ErrorCode.REFUSED_STREAM, GrpcStatus.UNAVAILABLE],
  [ErrorCode.CANCEL, GrpcStatus.CANCELLED],
  [ErrorCode.ENHANCE_YOUR_CALM, GrpcStatus.RESOURCE_EXHAUSTED],
  [ErrorCode.INADEQUATE_SECURITY, GrpcStatus.PERMISSION_DENIED],
]);

/** What the early end of a stream means for a gRPC caller (grpc/grpc doc/PROTOCOL-HTTP2.md, Errors). A lost connection is UNAVAILABLE. */
export function grpcStatusOfReset(reset: StreamReset): number {
  if (reset.origin === 'connection' || reset.origin === 'refused') return GrpcStatus.UNAVAILABLE;
  return BY_RESET.get(reset.code) ?? GrpcStatus.INTERNAL;
}
