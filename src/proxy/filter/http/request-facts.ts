import type { HeaderBlock } from '../../../http2/types.ts';

/** What is read of a request's headers, in one pass. */
export interface RequestFacts {
  readonly method: string;
  readonly authority: string;
  /** '' for CONNECT. */
  readonly path: string;
  readonly isGrpc: boolean;
  readonly hasRequestId: boolean;
  readonly hasForwardedProto: boolean;
  readonly hasTe: boolean;
}

export function factsOf(headers: HeaderBlock): RequestFacts {
  let method = '';
  let authority = '';
  let path = '';
  let isGrpc = false;
  let hasRequestId = false;
  let hasForwardedProto = false;
  let hasTe = false;
  for (const one of headers) {
    switch (one.name) {
      case ':method':
        method = one.value;
        break;
      case ':authority':
        authority = one.value;
        break;
      case 'host':
        if (authority === '') authority = one.value;
        break;
      case ':path':
        path = one.value;
        break;
      case 'content-type':
        isGrpc = one.value === 'application/grpc' || one.value.startsWith('application/grpc+');
        break;
      case 'x-request-id':
        hasRequestId = true;
        break;
      case 'x-forwarded-proto':
        hasForwardedProto = true;
        break;
      case 'te':
        hasTe = true;
        break;
      default:
    }
  }
  return { method, authority, path, isGrpc, hasRequestId, hasForwardedProto, hasTe };
}
