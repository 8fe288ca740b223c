// Messages to and from octets, field by field over the schema table. Configuration is read this way: what it costs a message is some
// times what generated code costs, and what it costs a process is nothing for the hundreds of messages that it never meets.
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FieldReader, fieldCodec, isEnd, type Message, type NestedField } from './field.ts';
import type { MessageForm } from './field-value.ts';
import { scalarForm } from './scalars.ts';
import type { FieldSchema, MessageSchema, Schemas } from './schema.ts';

/** As deep as messages may stand in one another. */
const MAX_DEPTH = 100;
/** Smaller messages are one step: reading them takes some 0.1 ms. */
const STEP_BYTES = 4096;

/** To and from octets: of one message type, whose values have the form that src/gen declares. */
export interface MessageCodec<T> {
  /** Appends to `writer`, or to a new one: `.finish()` gives the octets. Fields stand in the order of the .proto file. */
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  /** Every field is there, those that the octets do not have with their defaults; unknown ones are dropped. Throws for what is no message. */
  decode(input: BinaryReader | Uint8Array, length?: number): T;
  /** As `decode`; between its steps others may have the event loop. */
  decodeInSteps(input: Uint8Array): Generator<undefined, T>;
}

/** Codecs by full name. */
export interface Codecs {
  /** Always the same one. Its schema is read when it is first used; it throws then when there is none. */
  of<T>(name: string): MessageCodec<T>;
}

/** The codecs of all messages of a table. */
export function createCodecs(schemas: Schemas): Codecs {
  const forms = new Map<string, MessageForm>();
  const formOf = (name: string): MessageForm => {
    const known = forms.get(name);
    if (known) return known;
    const schema = schemas.message(name);
    if (!schema) throw new Error(`no schema of ${name}`);
    const form = buildForm(schema, formOf);
    forms.set(name, form);
    return form;
  };
  const codecs = new Map<string, MessageCodec<unknown>>();
  return {
    of<T>(name: string): MessageCodec<T> {
      const codec = codecs.get(name) ?? lateCodec<unknown>(() => formOf(name));
      codecs.set(name, codec);
      return codec as MessageCodec<T>;
    },
  };
}

function lateCodec<T>(formOf: () => MessageForm): MessageCodec<T> {
  return {
    encode(message, writer = new BinaryWriter()) {
      formOf().writeBody(writer, message);
      return writer;
    },
    decode(input, length) {
      const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
      const end = length === undefined ? reader.len : reader.pos + length;
      return formOf().readBody(reader, end, 1) as T;
    },
    decodeInSteps(input) {
      return formOf().readInSteps(new BinaryReader(input), input.length, 1) as Generator<undefined, T>;
    },
  };
}

function buildForm(schema: MessageSchema, formOf: (name: string) => MessageForm): MessageForm {
  const fields = schema.declared.map((field) => fieldCodec(field, formOf));
  const readers = new Map<number, FieldReader>(fields.flatMap((field) => field.readers));
  const nested = new Map(fields.flatMap((field) => (field.nested ? [[field.nested.tag, field.nested] as const] : [])));
  const create = creator(schema.declared);
  const begin = (depth: number): Message => {
    if (depth > MAX_DEPTH) throw new Error(`messages stand in one another more than ${MAX_DEPTH} deep`);
    return create();
  };
  return {
    readBody(reader, end, depth) {
      const message = begin(depth);
      while (reader.pos < end) {
        const tag = reader.uint32();
        const read = readers.get(tag);
        if (read) read(message, reader, depth);
        else if (isEnd(tag)) break;
        else reader.skip(tag & 7);
      }
      return message;
    },
    *readInSteps(reader, end, depth) {
      const message = begin(depth);
      while (reader.pos < end) {
        const tag = reader.uint32();
        const field = nested.get(tag);
        const read = readers.get(tag);
        if (field) field.store(message, yield* readNested(field, reader, depth));
        else if (read) read(message, reader, depth);
        else if (isEnd(tag)) break;
        else reader.skip(tag & 7);
        yield;
      }
      return message;
    },
    writeBody(writer, message) {
      for (const field of fields) field.write(message as Message, writer);
    },
  };
}

function* readNested(field: NestedField, reader: BinaryReader, depth: number): Generator<undefined, unknown> {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (length < STEP_BYTES) return field.form().readBody(reader, end, depth + 1);
  return yield* field.form().readInSteps(reader, end, depth + 1);
}

/** Makes messages with every field at its default, in the order of the .proto file. */
function creator(fields: readonly FieldSchema[]): () => Message {
  const defaults = new Map<string, unknown>();
  const lists: string[] = [];
  const maps: string[] = [];
  const octets: string[] = [];
  for (const { property, oneof, type, shape, isOptional } of fields) {
    const zero = type.kind === 'message' || isOptional ? undefined : scalarForm(type.kind === 'enum' ? 'int32' : type.scalar).zero;
    defaults.set(oneof?.property ?? property, oneof || shape.kind !== 'single' ? undefined : zero);
    if (shape.kind === 'list') lists.push(property);
    else if (shape.kind === 'map') maps.push(property);
    else if (!oneof && zero instanceof Uint8Array) octets.push(property);
  }
  // V8 keeps a large object that is filled by computed names as a dictionary, unless JSON.parse fills it: copies then cost a hundredth
  const template = JSON.parse(JSON.stringify(Object.fromEntries([...defaults.keys()].map((property) => [property, 0])))) as Message;
  for (const [property, value] of defaults) template[property] = value;
  return () => {
    const message = { ...template };
    // what can be changed is each message's own
    for (const property of lists) message[property] = [];
    for (const property of maps) message[property] = new Map();
    for (const property of octets) message[property] = new Uint8Array();
    return message;
  };
}
