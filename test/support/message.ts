import type { Any } from '../../src/gen/google/protobuf/any.ts';
import type { Duration } from '../../src/gen/google/protobuf/duration.ts';

/** A generated codec, as far as tests need it. */
export interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** A message with `fields` set and all else as proto3 has it by default. */
export function message<Message extends object>(codec: Codec<Message>, fields: Partial<Message>): Message {
  return { ...codec.decode(new Uint8Array(0)), ...fields };
}

/** Encoded bytes of a message with `fields` set. */
export function bytesOf<Message extends object>(codec: Codec<Message>, fields: Partial<Message>): Uint8Array {
  return codec.encode(message(codec, fields)).finish();
}

/** `type` is the full name of the message. */
export function anyOf<Message extends object>(type: string, codec: Codec<Message>, fields: Partial<Message> = {}): Any {
  return { typeUrl: `type.googleapis.com/${type}`, value: bytesOf(codec, fields) };
}

export function ms(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}
