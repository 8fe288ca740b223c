import type { EncodedResource, ResourceSet } from '../types.ts';
import type { Exchange, Moment, RequestOutcome } from './exchange.ts';
import type { TypeRules } from './type-rules.ts';

/** What one response says; nonce and type are the stream's. */
export interface ResponseBody {
  readonly version: string;
  readonly resources: readonly EncodedResource[];
  /** Delta only: names that are gone or do not exist. */
  readonly removed: readonly string[];
  /** Those of `resources` that are new or other than what was sent before. */
  readonly changed: readonly EncodedResource[];
}

/**
 * One resource type on one stream: what the client wants and what it was sent. The twins `SotwType` and `DeltaType` differ only in
 * how the two protocols say it. Pure: the same calls give the same responses.
 */
export interface TypeStream<Request> {
  readonly exchange: Exchange;
  onRequest(request: Request, now: Moment): RequestOutcome;
  /**
   * What is to be sent of `set` now, or null. What it returns counts as sent. Without `removals`, nothing that the client holds is
   * taken away yet: that is the last step of an update.
   */
  take(set: ResourceSet, removals: boolean): ResponseBody | null;
  /** Those of `names` that the client wants are sent again though unchanged. */
  owe(names: Iterable<string>): void;
  /** True when a client may wait for these names: for a limit on what one stream may hold. */
  readonly nameCount: number;
}

/** Makes the stream of one type; one function a protocol. */
export type TypeStreamFactory<Request> = (rules: TypeRules) => TypeStream<Request>;
