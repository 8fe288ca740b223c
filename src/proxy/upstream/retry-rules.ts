import type { RetryPolicy } from '../route/types.ts';
import type { TryFailure } from './failure.ts';

/** Facts of a response that retry_on looks at. */
export interface ResponseFacts {
  readonly status: number;
  /** Of a trailers-only response, or set among the headers; undefined without. */
  readonly grpcStatus: number | undefined;
  /** x-envoy-overloaded is set: whoever is overloaded gets no second try. */
  readonly isOverloaded: boolean;
}

/** Whether a try that ended without a response is worth another one (RetryPolicy.retry_on). */
export function retriesFailure({ on }: RetryPolicy, failure: TryFailure, requestStarted: boolean): boolean {
  if (failure === 'overflow') return false;
  if (on.reset || on['5xx'] || on['gateway-error']) return true;
  if (on['reset-before-request'] && !requestStarted) return true;
  if (on['refused-stream'] && failure === 'remote refused stream reset') return true;
  return on['connect-failure'] && (failure === 'remote connection failure' || failure === 'connection timeout');
}

/** Whether a response is worth another try. A grpc-status in real trailers comes too late to be seen here. */
export function retriesResponse(policy: RetryPolicy, { status, grpcStatus, isOverloaded }: ResponseFacts): boolean {
  if (isOverloaded) return false;
  const { on } = policy;
  if (on['5xx'] && status >= 500) return true;
  if (on['gateway-error'] && status >= 502 && status <= 504) return true;
  if (on['retriable-4xx'] && status === 409) return true;
  if (on['retriable-status-codes'] && policy.retriableStatusCodes.has(status)) return true;
  switch (grpcStatus) {
    case 1:
      return on.cancelled;
    case 4:
      return on['deadline-exceeded'];
    case 8:
      return on['resource-exhausted'];
    case 13:
      return on.internal;
    case 14:
      return on.unavailable;
    default:
      return false;
  }
}
