// Protobuf messages field by field, for bytes from the network: what nobody asks for is passed over without an object for it, so that ten
// million tokens cost no memory. Generated codecs make an array of them, and keep a slice of each field that they do not know.
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** Takes the value of the field with this tag (number · 8 + wire type) off the reader, or leaves it there and says so with false. */
export type TakeField = (tag: number) => boolean;

/** Reads a whole message. Throws an Error when a field is cut off. */
export function readMessage(bytes: Uint8Array, begin: (reader: BinaryReader) => TakeField): void {
  const reader = new BinaryReader(bytes);
  readFields(reader, bytes.length, begin(reader));
}

/** Reads a message within another: its length, then its fields. */
export function readInner(reader: BinaryReader, take: TakeField): true {
  readFields(reader, reader.uint32(), take);
  return true;
}

function readFields(reader: BinaryReader, length: number, take: TakeField): void {
  const end = reader.pos + length;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (!take(tag)) skip(reader, tag);
  }
  if (reader.pos !== end || end > reader.len) throw new Error('a field goes beyond the end of its message');
}

/** Wire types as https://protobuf.dev/programming-guides/encoding/ numbers them; no message here has groups (3 and 4). */
function skip(reader: BinaryReader, tag: number): void {
  switch (tag & 7) {
    case 0:
      reader.uint32();
      break;
    case 1:
      reader.pos += 8;
      break;
    case 2: {
      const length = reader.uint32();
      reader.pos += length;
      break;
    }
    case 5:
      reader.pos += 4;
      break;
    default:
      throw new Error(`field ${tag >>> 3} has the wire type ${tag & 7}`);
  }
}
