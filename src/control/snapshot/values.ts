import { Any } from '../../gen/google/protobuf/any.ts';
import type { Duration } from '../../gen/google/protobuf/duration.ts';
import type { TypeUrl } from '../../xds/types.ts';

/** A generated message type, as far as it is needed here. */
export interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

const NOTHING = new Uint8Array(0);

/** A message with `fields` set and all else as proto3 has it by default. */
export function make<T extends object>(codec: Codec<T>, fields: Partial<T>): T {
  return { ...codec.decode(NOTHING), ...fields };
}

/** A message packed into google.protobuf.Any. `type` is its full name, e.g. `envoy.config.cluster.v3.Cluster`. */
export function pack<T extends object>(type: string, codec: Codec<T>, fields: Partial<T>): Any {
  return { typeUrl: `type.googleapis.com/${type}`, value: codec.encode(make(codec, fields)).finish() };
}

/** The bytes of an Any around a whole message. */
export function encodeAny<T>(typeUrl: TypeUrl, codec: Codec<T>, message: T): Uint8Array {
  return Any.encode({ typeUrl, value: codec.encode(message).finish() }).finish();
}

/** A oneof with this field set. */
export function oneOf<Name extends string, Value>(name: Name, value: Value): { readonly $case: Name; readonly value: Value } {
  return { $case: name, value };
}

/** Milliseconds as google.protobuf.Duration. */
export function durationOf(ms: number): Duration {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1_000_000) };
}
