/** A generated codec of one message type. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

const EMPTY = new Uint8Array(0);

/** A message with the given fields; the others have proto3's defaults. */
export function create<T extends object>(codec: Codec<T>, fields: Partial<T>): T {
  return Object.assign(codec.decode(EMPTY), fields);
}

/** The bytes of a message with the given fields. */
export function encode<T extends object>(codec: Codec<T>, fields: Partial<T>): Uint8Array {
  return codec.encode(create(codec, fields)).finish();
}
