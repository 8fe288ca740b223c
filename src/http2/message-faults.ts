import { checkRequest, checkResponse } from './header-rules.ts';
import type { HeaderField } from './hpack/header-field.ts';
import type { HeaderBlock } from './types.ts';

/** Why a request that another codec read may not be passed on, in a few words (RFC 9113 §8.3.1); undefined when it may. Fields made by `field`. */
export function requestFault(headers: HeaderBlock): string | undefined {
  const verdict = checkRequest(headers as readonly HeaderField[], false);
  return typeof verdict === 'string' ? verdict : undefined;
}

/** As `requestFault`, of a response (RFC 9113 §8.3.2). */
export function responseFault(headers: HeaderBlock): string | undefined {
  const verdict = checkResponse(headers as readonly HeaderField[]);
  return typeof verdict === 'string' ? verdict : undefined;
}
