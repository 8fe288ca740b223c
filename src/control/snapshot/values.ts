import { decodeMessage, type MessageName, type MessageValue, packAny } from '../../envoy/index.ts';
import type { Any } from '../../gen/google/protobuf/any.ts';

/** A message with these fields set and every other at its default, packed. */
export function pack<Name extends MessageName>(name: Name, fields: Partial<MessageValue<Name>> = {}): Any {
  return packAny(name, { ...decodeMessage(name, new Uint8Array()), ...fields });
}

/** A oneof with this field set. */
export function oneOf<Name extends string, Value>(name: Name, value: Value): { readonly $case: Name; readonly value: Value } {
  return { $case: name, value };
}
