import { grpcStatusOf } from '../../grpc/index.ts';
import { findField, statusOf } from '../../http2/index.ts';
import type { HeaderBlock } from '../../http2/types.ts';
import type { RateLimitedBackoff, RetryPolicy } from '../route/types.ts';
import type { TryFailure } from './failure.ts';

/** Facts of a response that retry_on looks at. */
export interface ResponseFacts {
  readonly status: number;
  /** Of a trailers-only response, or set among the headers; undefined without. */
  readonly grpcStatus: number | undefined;
}

export function factsOf(headers: HeaderBlock): ResponseFacts {
  return { status: statusOf(headers), grpcStatus: grpcStatusOf(headers) };
}

/** Whether a policy gives a request second tries at all (retriable_request_headers). */
export function retriesRequest({ hasConditions, retriableRequestHeaders }: RetryPolicy, headers: HeaderBlock): boolean {
  if (!hasConditions) return false;
  return retriableRequestHeaders.length === 0 || retriableRequestHeaders.some((matches) => matches(headers));
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
export function retriesResponse(policy: RetryPolicy, { status, grpcStatus }: ResponseFacts, headers: HeaderBlock): boolean {
  const { on } = policy;
  // an Envoy that limits rates said no: only whoever asks for that word comes again
  if (findField(headers, 'x-envoy-ratelimited')) return on['envoy-ratelimited'];
  if (on['5xx'] && status >= 500) return true;
  if (on['gateway-error'] && status >= 502 && status <= 504) return true;
  if (on['retriable-4xx'] && status === 409) return true;
  if (on['retriable-status-codes'] && policy.retriableStatusCodes.has(status)) return true;
  if (on['retriable-headers'] && policy.retriableHeaders.some((matches) => matches(headers))) return true;
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

/** When a response says that its sender may be asked again, in ms from now; undefined when it says nothing that is usable. */
export function retryAfterMs({ headers: known, maxMs }: RateLimitedBackoff, headers: HeaderBlock, nowMs: number): number | undefined {
  for (const { name, format } of known) {
    const text = findField(headers, name)?.value ?? '';
    if (!/^\d{1,15}$/.test(text)) continue;
    const ms = format === 'SECONDS' ? Number(text) * 1000 : (Number(text) - Math.floor(nowMs / 1000)) * 1000;
    if (ms >= 0 && ms <= maxMs) return ms;
  }
  return undefined;
}
