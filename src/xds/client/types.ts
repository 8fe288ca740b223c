// What the client half hands on and what it stands on. It knows nothing of proxying.
import type { TypeUrl } from '../types.ts';

/** A resource as received: the payload of its Any, undecoded. */
export interface ReceivedResource {
  readonly name: string;
  readonly version: string;
  /** The type inside the Any: equal to the response's type, or the response is rejected. */
  readonly typeUrl: TypeUrl;
  readonly value: Uint8Array;
}

/** One update of one type: delta as sent by the server; state-of-the-world already turned into upserts and removals. */
export interface ResourceUpdate {
  readonly typeUrl: TypeUrl;
  readonly version: string;
  readonly upserts: readonly ReceivedResource[];
  readonly removed: readonly string[];
}

/** Why one resource was refused; the message names resource, field and reason and becomes part of the NACK. */
export interface ResourceFailure {
  readonly name: string;
  readonly message: string;
}

/**
 * Takes updates, one at a time. Good resources of a partly refused update are applied. Never rejects for bad input. Resolving may take a
 * moment: a listener is refused when its address cannot be bound. An update with nothing in it says that the type was answered.
 */
export interface ResourceSink {
  apply(update: ResourceUpdate): Promise<readonly ResourceFailure[]>;
}

/** One bidirectional gRPC stream of whole messages, however it is carried. Messages are protobuf bytes without gRPC framing. */
export interface AdsStream {
  send(message: Uint8Array): void;
  /** Ends the stream without waiting. `onEnd` is not called after it. */
  close(): void;
}

export interface AdsStreamHandler {
  onMessage(message: Uint8Array): void;
  /** The stream is over: gRPC status and text. Called once. */
  onEnd(status: { readonly code: number; readonly message: string }): void;
}

/** Opens streams to the control server. `proxy/upstream` implements it over the ADS cluster; tests over grpc-js. */
export interface AdsTransport {
  /** `method`: full gRPC path, e.g. /envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources. */
  open(method: string, handler: AdsStreamHandler): AdsStream;
}
