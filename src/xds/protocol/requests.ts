import { DeltaDiscoveryRequest, DiscoveryRequest } from '../../gen/envoy/service/discovery/v3/discovery.ts';
import type { TypeUrl, XdsNode } from '../types.ts';
import type { ErrorDetail } from './exchange.ts';
import { nodeFrom } from './node.ts';

/** One DiscoveryRequest, reduced to what the protocol reads. */
export interface SotwRequest {
  readonly typeUrl: TypeUrl;
  /** The complete list, `*` included. */
  readonly names: readonly string[];
  /** '' in a request that answers nothing. */
  readonly nonce: string;
  /** Present in a NACK. */
  readonly error: ErrorDetail | null;
  /** Present in a stream's first message; null later when the client leaves it out. */
  readonly node: XdsNode | null;
}

/** One DeltaDiscoveryRequest, reduced to what the protocol reads. */
export interface DeltaRequest {
  readonly typeUrl: TypeUrl;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Version by name of what the client already has; read in the first request of a type only. */
  readonly initialVersions: ReadonlyMap<string, string>;
  readonly nonce: string;
  readonly error: ErrorDetail | null;
  readonly node: XdsNode | null;
}

/** Characters of a client's error text that are kept: some clients put a dump of the whole resource in front of the reason. */
const MAX_ERROR_TEXT = 4096;

/** Throws on bytes that are not a DiscoveryRequest. */
export function decodeSotwRequest(bytes: Uint8Array): SotwRequest {
  const message = DiscoveryRequest.decode(bytes);
  return {
    typeUrl: message.typeUrl,
    names: message.resourceNames,
    nonce: message.responseNonce,
    error: errorFrom(message.errorDetail),
    node: message.node ? nodeFrom(message.node) : null,
  };
}

/** Throws on bytes that are not a DeltaDiscoveryRequest. */
export function decodeDeltaRequest(bytes: Uint8Array): DeltaRequest {
  const message = DeltaDiscoveryRequest.decode(bytes);
  return {
    typeUrl: message.typeUrl,
    subscribe: message.resourceNamesSubscribe,
    unsubscribe: message.resourceNamesUnsubscribe,
    initialVersions: message.initialResourceVersions,
    nonce: message.responseNonce,
    error: errorFrom(message.errorDetail),
    node: message.node ? nodeFrom(message.node) : null,
  };
}

/** The end of a text that is too long is kept: the reason stands there. */
function errorFrom(status: { readonly code: number; readonly message: string } | undefined): ErrorDetail | null {
  return status ? { code: status.code, message: status.message.slice(-MAX_ERROR_TEXT) } : null;
}
