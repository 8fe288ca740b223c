// One value of a field: a scalar, an enum or a message.
import { type BinaryReader, type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { plainForm } from './plain.ts';
import { scalarForm } from './scalars.ts';
import type { FieldType } from './schema.ts';

/** How the values of one field type are read and written, without a tag. */
export interface ValueForm {
  readonly wireType: WireType;
  readonly isPackable: boolean;
  /** What stands for it when it is not there; undefined for messages. */
  readonly zero: unknown;
  /** `depth`: of the message that it stands in. */
  read(reader: BinaryReader, depth: number): unknown;
  write(writer: BinaryWriter, value: unknown): void;
  /** Of a message that is held as it is: its form; null for everything else. */
  readonly message: (() => MessageForm) | null;
}

/** What a message codec does for the messages inside of its own. */
export interface MessageForm {
  readBody(reader: BinaryReader, end: number, depth: number): unknown;
  /** As `readBody`, a field at a time. */
  readInSteps(reader: BinaryReader, end: number, depth: number): Generator<undefined, unknown>;
  writeBody(writer: BinaryWriter, message: unknown): void;
}

/** The form of a field type. `messageOf` is asked when a message is first met. */
export function valueForm(type: FieldType, messageOf: (name: string) => MessageForm): ValueForm {
  if (type.kind === 'message') return messageForm(type.name, messageOf);
  return { ...scalarForm(type.kind === 'enum' ? 'int32' : type.scalar), message: null };
}

function messageForm(name: string, messageOf: (name: string) => MessageForm): ValueForm {
  const plain = plainForm(name);
  let known: MessageForm | undefined;
  const form = (): MessageForm => (known ??= messageOf(name));
  return {
    wireType: WireType.LengthDelimited,
    isPackable: false,
    zero: undefined,
    read(reader, depth) {
      const length = reader.uint32();
      const message = form().readBody(reader, reader.pos + length, depth + 1);
      return plain ? plain.unwrap(message) : message;
    },
    write(writer, value) {
      writer.fork();
      form().writeBody(writer, plain ? plain.wrap(value) : value);
      writer.join();
    },
    message: plain ? null : form,
  };
}
