import { field } from '../../http2/index.ts';
import type { Field } from '../../http2/types.ts';
import { detailsOf, failureText, flagOf, statusOf, type TryFailure } from './failure.ts';
import type { LocalReply } from './types.ts';

/** Tells the caller that a circuit breaker is open: it is not to try again. */
const OVERLOADED: Field = field('x-envoy-overloaded', 'true');

export const NO_HEALTHY_UPSTREAM: LocalReply = { status: 503, body: 'no healthy upstream', flag: 'UH', details: 'no_healthy_upstream' };

/** drop_overloads of the assignment wants it so, of this request or of all. */
export function dropped(which: 'this one' | 'all'): LocalReply {
  const body = which === 'all' ? 'unconditional drop overload' : 'drop overload';
  const headers = [field(`x-envoy-${body.replaceAll(' ', '-')}`, 'true')];
  return { status: 503, body, flag: which === 'all' ? 'UDO' : 'DO', details: body.replaceAll(' ', '_'), headers };
}

/** Which time of a try was over. */
export type PerTryDetails = 'upstream_per_try_timeout' | 'upstream_per_try_idle_timeout';

/** `details`: whose time was over. */
export function requestTimeout(details: 'response_timeout' | PerTryDetails): LocalReply {
  return { status: 504, body: 'upstream request timeout', flag: 'UT', details };
}

/** No try brought a response; `reason`: why the last one had no connection, as of `transportReason`. */
export function upstreamFailed(failure: TryFailure, wasRetried: boolean, reason: string): LocalReply {
  const headers = failure === 'overflow' ? [OVERLOADED] : [];
  const body = failureText(failure, wasRetried);
  return { status: statusOf(failure), body, flag: flagOf(failure), details: detailsOf(failure, 'before', reason), headers };
}

/**
 * As `upstreamFailed` when the caller's own grpc-timeout has passed: its server has cut the call for that reason, and UNAVAILABLE would
 * ask for a second try that nobody has the time for.
 */
export function pastDeadline(failure: TryFailure): LocalReply {
  const body = `the deadline of the call has passed; reset reason: ${failure}`;
  return { status: 504, grpcStatus: 4, body, flag: flagOf(failure), details: detailsOf(failure, 'before') };
}
