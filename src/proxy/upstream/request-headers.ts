import { field } from '../../http2/index.ts';
import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { ForwardAction } from '../route/types.ts';
import type { EnvoyHeaders } from './types.ts';

/** The fields that say how long an upstream took, for the times that are most common. */
const SERVICE_TIMES: readonly Field[] = Array.from({ length: 256 }, (_, ms) => serviceTime(ms));

/** What one try sends: the request's headers, and those that differ from try to try. */
export function attemptHeaders(
  base: HeaderBlock,
  action: ForwardAction,
  envoyHeaders: EnvoyHeaders,
  attempt: { readonly elapsedMs: number; readonly count: number },
): HeaderBlock {
  const timeoutMs = envoyHeaders === 'written' ? expectedTimeoutMs(action, attempt.elapsedMs) : null;
  if (timeoutMs === null && !action.attemptCount.inRequest) return base;
  const headers = [...base];
  if (timeoutMs !== null) headers.push(field('x-envoy-expected-rq-timeout-ms', String(timeoutMs)));
  if (action.attemptCount.inRequest) headers.push(field('x-envoy-attempt-count', String(attempt.count)));
  return headers;
}

/** What the caller gets: the upstream's headers, Envoy's, then what the route changes. */
export function responseHeaders(
  upstream: HeaderBlock,
  action: ForwardAction,
  envoyHeaders: EnvoyHeaders,
  attempt: { readonly serviceMs: number; readonly count: number },
): HeaderBlock {
  const isWritten = envoyHeaders === 'written';
  const headers = upstream.filter(({ name }) => !isWritten || name !== 'x-envoy-upstream-service-time');
  if (isWritten) {
    const ms = Math.round(attempt.serviceMs);
    headers.push(SERVICE_TIMES[ms] ?? serviceTime(ms));
  }
  if (action.attemptCount.inResponse) headers.push(field('x-envoy-attempt-count', String(attempt.count)));
  return headers;
}

/** The time the upstream has: the try's own, or what is left of the whole; null when there is no limit. */
function expectedTimeoutMs({ timeoutMs, retry }: ForwardAction, elapsedMs: number): number | null {
  const left = timeoutMs === null ? null : Math.max(1, Math.round(timeoutMs - elapsedMs));
  const perTry = retry?.perTryTimeoutMs ?? null;
  if (perTry === null || retry?.hedges) return left;
  return left === null ? perTry : Math.min(left, perTry);
}

function serviceTime(ms: number): Field {
  return field('x-envoy-upstream-service-time', String(ms));
}
