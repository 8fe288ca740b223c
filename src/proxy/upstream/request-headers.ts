import { wholeGrpcTimeout } from '../../grpc/index.ts';
import { field } from '../../http2/index.ts';
import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { ForwardAction } from '../route/types.ts';
import type { EnvoyHeaders } from './types.ts';

/** x-envoy-expected-rq-timeout-ms as it was last: the first tries of a route all say the same. */
let lastExpected: { readonly ms: number; readonly field: Field } | undefined;

/** What differs from try to try. */
export interface TryHeaders {
  /** The time this try has; null: no limit. */
  readonly expectedMs: number | null;
  /** grpc-timeout follows `expectedMs`. */
  readonly setsGrpcTimeout: boolean;
  /** 1 for the first. */
  readonly count: number;
}

/** What one try sends: the request's headers, and those that differ from try to try. */
export function attemptHeaders(base: HeaderBlock, action: ForwardAction, envoyHeaders: EnvoyHeaders, own: TryHeaders): HeaderBlock {
  const { expectedMs, setsGrpcTimeout, count } = own;
  const isTimed = expectedMs !== null && (setsGrpcTimeout || envoyHeaders === 'written');
  if (!isTimed && !action.attemptCount.inRequest) return base;
  const replacesTimeout = setsGrpcTimeout && isTimed;
  const headers: Field[] = [];
  for (let index = 0; index < base.length; index += 1) {
    const one = base[index] as Field;
    if (!replacesTimeout || one.name !== 'grpc-timeout') headers.push(one);
  }
  if (replacesTimeout) headers.push(field('grpc-timeout', wholeGrpcTimeout(expectedMs)));
  if (isTimed && envoyHeaders === 'written') headers.push(expectedTimeout(expectedMs));
  if (action.attemptCount.inRequest) headers.push(attemptCountField(count));
  return headers;
}

/** Says how many tries there were. */
export function attemptCountField(count: number): Field {
  return field('x-envoy-attempt-count', String(count));
}

function expectedTimeout(ms: number): Field {
  if (lastExpected?.ms !== ms) lastExpected = { ms, field: field('x-envoy-expected-rq-timeout-ms', String(ms)) };
  return lastExpected.field;
}
