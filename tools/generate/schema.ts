// The compact schema table: what a strict reader, a constraint check and a JSON writer need to know of every message.
// Its form is declared by hand in src/protobuf/schema.ts, which reads it.
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescOneof,
  type FileRegistry,
  getOption,
  hasOption,
  isMessage,
  type JsonValue,
  type Message,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import type { FileDescriptorSet } from '@bufbuild/protobuf/wkt';

/** Rules that count something: uint64 in validate.proto, small in fact. */
const COUNTS = /^(len|min_len|max_len|len_bytes|min_bytes|max_bytes|min_items|max_items|min_pairs|max_pairs)$/;

/** The table: an entry in JSON for every message and enum, by full name. */
export interface SchemaTable {
  readonly messages: Readonly<Record<string, JsonValue>>;
  readonly enums: Readonly<Record<string, JsonValue>>;
}

/** The table of `pruned`; `image` is the same with options. */
export function schemaTable(image: FileDescriptorSet, pruned: FileDescriptorSet): SchemaTable {
  const registry = createFileRegistry(image);
  const messages: Record<string, JsonValue> = {};
  const enums: Record<string, JsonValue> = {};
  for (const type of createFileRegistry(pruned)) {
    if (type.kind === 'message') {
      const full = registry.getMessage(type.typeName);
      if (full) messages[full.typeName] = messageEntry(full, registry);
    } else if (type.kind === 'enum') {
      enums[type.typeName] = Object.fromEntries(type.values.map(({ name, number }) => [name, number]));
    }
  }
  return { messages, enums };
}

function messageEntry(message: DescMessage, registry: FileRegistry): JsonValue {
  const required = message.oneofs.filter((oneof) => isRequired(oneof, registry)).map((oneof) => oneof.name);
  return {
    fields: message.fields.map((field) => fieldEntry(field, registry)),
    ...(required.length === 0 ? {} : { required }),
  };
}

function fieldEntry(field: DescField, registry: FileRegistry): JsonValue {
  const property = snakeToCamel(field.name);
  const rules = rulesOf(field, registry);
  return {
    name: field.name,
    number: field.number,
    type: typeOf(field),
    ...(field.jsonName === property ? {} : { json: field.jsonName }),
    ...(field.fieldKind === 'list' ? { repeated: true } : {}),
    ...(field.fieldKind === 'map' ? { key: scalarName(field.mapKey) } : {}),
    ...(field.oneof ? { oneof: field.oneof.name } : {}),
    ...(field.proto.proto3Optional ? { optional: true } : {}),
    ...(field.deprecated ? { deprecated: true } : {}),
    ...(rules === undefined ? {} : { rules }),
  };
}

/** A scalar's name, `message:<full name>` or `enum:<full name>`; of a map its value's. */
function typeOf(field: DescField): string {
  if (field.message) return `message:${field.message.typeName}`;
  if (field.enum) return `enum:${field.enum.typeName}`;
  return scalarName(field.scalar as ScalarType);
}

function scalarName(type: ScalarType): string {
  return ScalarType[type].toLowerCase();
}

/** The name ts-proto gives a field; src/envoy works it out the same way. */
function snakeToCamel(name: string): string {
  return name.replace(/_([^_]?)/g, (_, letter: string) => letter.toUpperCase());
}

function isRequired(oneof: DescOneof, registry: FileRegistry): boolean {
  const extension = registry.getExtension('validate.required');
  return extension !== undefined && hasOption(oneof, extension) && getOption(oneof, extension) === true;
}

function rulesOf(field: DescField, registry: FileRegistry): JsonValue | undefined {
  const extension = registry.getExtension('validate.rules');
  const description = registry.getMessage('validate.FieldRules');
  if (!extension || !description || !hasOption(field, extension)) return undefined;
  const rules = getOption(field, extension);
  if (!isMessage(rules)) return undefined;
  return plain(toJson(description, rules as Message, { registry, useProtoFieldName: true }));
}

function plain(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, COUNTS.test(key) && typeof inner === 'string' ? Number(inner) : plain(inner)]),
  );
}
