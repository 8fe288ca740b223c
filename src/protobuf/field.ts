// One field of a message: single, in a oneof, a list or a map.
import { type BinaryReader, type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type MessageForm, type ValueForm, valueForm } from './field-value.ts';
import { isZero, scalarForm } from './scalars.ts';
import type { FieldSchema, ScalarType } from './schema.ts';

/** A message value, as src/gen declares it. */
export type Message = Record<string, unknown>;

/** Takes a field's value, or one more of its values, from the reader. */
export type FieldReader = (message: Message, reader: BinaryReader, depth: number) => void;

/** Puts a value that was read where the field holds it. */
type Store = (message: Message, value: unknown) => void;

/** One field in compiled form. */
export interface FieldCodec {
  /** By tag: a packable list is taken packed and unpacked. */
  readonly readers: readonly (readonly [tag: number, read: FieldReader])[];
  /** Of a field that holds messages: how to read one apart from the rest. */
  readonly nested: NestedField | null;
  /** Writes what the message has of it. */
  write(message: Message, writer: BinaryWriter): void;
}

/** A field that holds a message, or a list of them. */
export interface NestedField {
  readonly tag: number;
  readonly form: () => MessageForm;
  readonly store: Store;
}

/** `messageOf`: the codec of a message by full name. */
export function fieldCodec(field: FieldSchema, messageOf: (name: string) => MessageForm): FieldCodec {
  const form = valueForm(field.type, messageOf);
  if (field.shape.kind === 'list') return listField(field, form);
  if (field.shape.kind === 'map') return mapField(field, field.shape.key, form);
  return field.oneof ? oneofField(field, field.oneof.property, form) : singleField(field, form);
}

function singleField({ property, number, isOptional }: FieldSchema, form: ValueForm): FieldCodec {
  const tag = tagOf(number, form.wireType);
  const hasPresence = isOptional || form.zero === undefined;
  const store: Store = (message, value) => {
    message[property] = value;
  };
  return {
    ...stored(tag, form, store),
    write(message, writer) {
      const value = message[property];
      if (value === undefined || (!hasPresence && isZero(value))) return;
      form.write(writer.uint32(tag), value);
    },
  };
}

function oneofField({ property, number }: FieldSchema, oneof: string, form: ValueForm): FieldCodec {
  const tag = tagOf(number, form.wireType);
  const store: Store = (message, value) => {
    message[oneof] = { $case: property, value };
  };
  return {
    ...stored(tag, form, store),
    write(message, writer) {
      const held = message[oneof] as { readonly $case: string; readonly value: unknown } | undefined;
      if (held?.$case === property) form.write(writer.uint32(tag), held.value);
    },
  };
}

function stored(tag: number, form: ValueForm, store: Store): Pick<FieldCodec, 'readers' | 'nested'> {
  return {
    readers: [[tag, (message, reader, depth) => store(message, form.read(reader, depth))]],
    nested: form.message && { tag, form: form.message, store },
  };
}

function listField({ property, number }: FieldSchema, form: ValueForm): FieldCodec {
  const tag = tagOf(number, form.wireType);
  const packedTag = tagOf(number, WireType.LengthDelimited);
  const store: Store = (message, value) => {
    (message[property] as unknown[]).push(value);
  };
  if (!form.isPackable) {
    return {
      ...stored(tag, form, store),
      write(message, writer) {
        for (const value of message[property] as readonly unknown[]) form.write(writer.uint32(tag), value);
      },
    };
  }
  const readPacked: FieldReader = (message, reader, depth) => {
    const length = reader.uint32();
    const end = reader.pos + length;
    while (reader.pos < end) store(message, form.read(reader, depth));
  };
  return {
    readers: [...stored(tag, form, store).readers, [packedTag, readPacked]],
    nested: null,
    write(message, writer) {
      const values = message[property] as readonly unknown[];
      if (values.length === 0) return;
      writer.uint32(packedTag).fork();
      for (const value of values) form.write(writer, value);
      writer.join();
    },
  };
}

/** On the wire a map is a list of messages with a key (1) and a value (2). */
function mapField({ property, number }: FieldSchema, keyType: ScalarType, form: ValueForm): FieldCodec {
  const tag = tagOf(number, WireType.LengthDelimited);
  const keyForm = scalarForm(keyType);
  const keyTag = tagOf(1, keyForm.wireType);
  const valueTag = tagOf(2, form.wireType);
  const read: FieldReader = (message, reader, depth) => {
    const length = reader.uint32();
    const end = reader.pos + length;
    let [key, value] = [keyForm.zero, form.zero];
    while (reader.pos < end) {
      const found = reader.uint32();
      if (found === keyTag) key = keyForm.read(reader);
      else if (found === valueTag) value = form.read(reader, depth + 1);
      else if (isEnd(found)) break;
      else reader.skip(found & 7);
    }
    if (value !== undefined) (message[property] as Map<unknown, unknown>).set(key, value);
  };
  return {
    readers: [[tag, read]],
    nested: null,
    write(message, writer) {
      for (const [key, value] of message[property] as ReadonlyMap<unknown, unknown>) {
        if (value === undefined) continue;
        writer.uint32(tag).fork();
        if (!isZero(key)) keyForm.write(writer.uint32(keyTag), key);
        if (form.zero === undefined || !isZero(value)) form.write(writer.uint32(valueTag), value);
        writer.join();
      }
    },
  };
}

/** True for a tag after which a message has no more fields: the end of a group, and zeros. */
export function isEnd(tag: number): boolean {
  return tag === 0 || (tag & 7) === WireType.EndGroup;
}

function tagOf(number: number, wireType: WireType): number {
  return ((number << 3) | wireType) >>> 0;
}
