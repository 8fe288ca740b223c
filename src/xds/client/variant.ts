import type { Node } from '../../gen/envoy/config/core/v3/base.ts';
import type { Response, TypeState } from './type-state.ts';
import type { ResourceUpdate } from './types.ts';

/**
 * One form of the protocol: how what is wanted becomes requests, and responses become updates. Stateless: everything that lasts is in
 * TypeState. Each request function returns an encoded message; `node` goes into it when given.
 */
export interface Variant {
  /** Full gRPC path. */
  readonly method: string;
  /** Throws for bytes that are no response. Between its steps others may have the event loop. */
  decodeInSteps(message: Uint8Array): Iterator<unknown, Response>;
  /** The first request of a type on a stream: says what is wanted and what is there already. */
  first(type: TypeState, node: Node | undefined): Uint8Array;
  /** What is wanted changed from `type.asked` to `type.interest`. */
  change(type: TypeState, node: Node | undefined): Uint8Array;
  /** ACK, or with `error` NACK, of the response with this nonce. Called after the type recorded what was taken. */
  answer(type: TypeState, nonce: string, error: string | null, node: Node | undefined): Uint8Array;
  toUpdate(type: TypeState, response: Response): ResourceUpdate;
}

/** google.rpc.Code INTERNAL: what Envoy puts into `error_detail` of every NACK. */
const INTERNAL = 13;

/** `error_detail` of a request; absent in an ACK. */
export function errorDetail(error: string | null): { readonly code: number; readonly message: string; readonly details: [] } | undefined {
  return error === null ? undefined : { code: INTERNAL, message: error, details: [] };
}
