import { field } from '../../http2/index.ts';
import type { Field } from '../../http2/types.ts';
import type { LocalReply } from './types.ts';

/** Tells the caller that a circuit breaker is open: it is not to try again. */
export const OVERLOADED: Field = field('x-envoy-overloaded', 'true');

export const NO_HEALTHY_UPSTREAM: LocalReply = { status: 503, body: 'no healthy upstream', flag: 'UH', details: 'no_healthy_upstream' };

/** `details`: whose time was over. */
export function requestTimeout(details: 'response_timeout' | 'upstream_per_try_timeout'): LocalReply {
  return { status: 504, body: 'upstream request timeout', flag: 'UT', details };
}
