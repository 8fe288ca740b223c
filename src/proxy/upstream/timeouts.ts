import { parseGrpcTimeout } from '../../grpc/index.ts';
import { findField } from '../../http2/index.ts';
import type { HeaderBlock } from '../../http2/types.ts';
import { boundTimeouts } from '../route/index.ts';
import type { ForwardAction, RetryPolicy, Timeouts } from '../route/types.ts';

/** The route's, or with max_grpc_timeout what the request's own grpc-timeout says, within the route's bounds. */
export function timeoutsOf(action: ForwardAction, headers: HeaderBlock, isGrpc: boolean): Timeouts {
  if (!action.grpcTimeout || !isGrpc) return action.timeouts;
  return boundTimeouts(boundedMs(action.grpcTimeout, headers), action.retry?.perTryTimeoutMs ?? null);
}

function boundedMs({ maxMs, offsetMs }: NonNullable<ForwardAction['grpcTimeout']>, headers: HeaderBlock): number | null {
  const asked = callerTimeoutMs(headers) ?? 0;
  const shortened = offsetMs < asked ? asked - offsetMs : asked;
  const bounded = maxMs > 0 && (shortened === 0 || shortened > maxMs) ? maxMs : shortened;
  return bounded === 0 ? null : Math.min(bounded, 0x7fff_ffff);
}

/** What the caller itself gives the call (grpc-timeout) in ms; undefined when it says nothing. */
export function callerTimeoutMs(headers: HeaderBlock): number | undefined {
  return parseGrpcTimeout(findField(headers, 'grpc-timeout')?.value ?? '');
}

/** The time the upstream of one try has: the try's own, or what is left of the whole; null when there is no limit. */
export function expectedMs({ wholeMs, perTryMs }: Timeouts, policy: RetryPolicy | null, elapsedMs: number): number | null {
  // 0 would mean no limit at all: the timer of the whole fires in this moment
  const left = wholeMs === null ? null : Math.max(1, Math.round(wholeMs - elapsedMs));
  if (perTryMs === null || policy?.hedges) return left;
  return left === null ? perTryMs : Math.min(left, perTryMs);
}
