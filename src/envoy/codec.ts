import { messageOf, RingwayError } from '../core/index.ts';
import { codecs, type MessageTypes, schemas } from '../gen/codecs.ts';
import type { Any } from '../gen/google/protobuf/any.ts';
import type { MessageCodec } from '../protobuf/index.ts';

/** Full name of a message of Envoy that Ringway knows, e.g. `envoy.config.cluster.v3.Cluster`. */
export type MessageName = keyof MessageTypes;

/** The value of a message by its full name. */
export type MessageValue<Name extends MessageName> = MessageTypes[Name];

const TYPE_URL_PREFIX = 'type.googleapis.com/';
const NOTHING = new Uint8Array();

/** A message with the given fields and every other at its default: `create(Cluster, { name: 'a' })`. Works with every generated codec. */
export function create<T>(codec: Pick<MessageCodec<T>, 'decode'>, fields: Partial<T> = {}): T {
  return { ...codec.decode(NOTHING), ...fields };
}

/** The codec of a message by full name, undefined when Ringway does not know it. */
export function codecOf(name: string): MessageCodec<unknown> | undefined {
  return schemas.hasMessage(name) ? codecs.of(name) : undefined;
}

/** True for a full name that `codecOf`, the reader and the writer know. */
export function isMessageName(name: string): name is MessageName {
  return schemas.hasMessage(name);
}

/** `type.googleapis.com/<name>`. */
export function typeUrlOf(name: string): string {
  return `${TYPE_URL_PREFIX}${name}`;
}

/** The full name in a type URL: what stands after the last slash. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

/** Protobuf bytes of a message. */
export function encodeMessage<Name extends MessageName>(name: Name, message: MessageValue<Name>): Uint8Array {
  return codecs.of<MessageValue<Name>>(name).encode(message).finish();
}

/** A message from protobuf bytes. Unknown fields are dropped. Throws RingwayError `BAD_MESSAGE` for bytes that are none. */
export function decodeMessage<Name extends MessageName>(name: Name, bytes: Uint8Array): MessageValue<Name> {
  try {
    return codecs.of<MessageValue<Name>>(name).decode(bytes);
  } catch (error) {
    throw new RingwayError(`not a ${name}: ${messageOf(error)}`, { code: 'BAD_MESSAGE', cause: error });
  }
}

/** A message as google.protobuf.Any. */
export function packAny<Name extends MessageName>(name: Name, message: MessageValue<Name>): Any {
  return { typeUrl: typeUrlOf(name), value: encodeMessage(name, message) };
}

/** What an Any holds. Throws RingwayError `WRONG_TYPE` when its type is another one, `BAD_MESSAGE` as `decodeMessage`. */
export function unpackAny<Name extends MessageName>(any: Any, name: Name): MessageValue<Name> {
  if (typeNameOf(any.typeUrl) !== name) {
    throw new RingwayError(`holds ${any.typeUrl === '' ? 'no type' : any.typeUrl} where ${name} is expected`, { code: 'WRONG_TYPE' });
  }
  return decodeMessage(name, any.value);
}
