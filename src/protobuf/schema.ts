// The schema table: what tools/generate writes of every message and enum, parsed when it is first asked for.

/** Names of proto scalar types. */
export type ScalarType =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes';

/** What a field (or a list's item, or a map's value) is. `name`: full name of the message or enum. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'message'; readonly name: string };

/** protoc-gen-validate rules of one kind, named as in validate.proto. Bounds of 64-bit numbers and durations are strings. */
export interface Rules {
  readonly required?: boolean;
  readonly const?: unknown;
  readonly gt?: unknown;
  readonly gte?: unknown;
  readonly lt?: unknown;
  readonly lte?: unknown;
  readonly in?: readonly unknown[];
  readonly not_in?: readonly unknown[];
  readonly min_len?: number;
  readonly max_len?: number;
  readonly min_bytes?: number;
  readonly max_bytes?: number;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly pattern?: string;
  readonly well_known_regex?: string;
  readonly strict?: boolean;
  readonly ignore_empty?: boolean;
  readonly defined_only?: boolean;
  readonly min_items?: number;
  readonly max_items?: number;
  readonly min_pairs?: number;
  readonly max_pairs?: number;
  readonly unique?: boolean;
  readonly items?: RuleSet;
  readonly keys?: RuleSet;
  readonly values?: RuleSet;
}

/** The rules of a value: at most one kind beside `message`. */
export type RuleSet = Readonly<Record<string, Rules>>;

/** One oneof. `property`: its name in a message value, which holds `{ $case, value }`. */
export interface OneofSchema {
  readonly name: string;
  readonly property: string;
  readonly isRequired: boolean;
}

/** One field of a message. */
export interface FieldSchema {
  /** As in the .proto file. */
  readonly name: string;
  /** In canonical JSON. */
  readonly jsonName: string;
  /** In a message value; inside a oneof the `$case`. */
  readonly property: string;
  readonly number: number;
  readonly type: FieldType;
  readonly shape: { readonly kind: 'single' } | { readonly kind: 'list' } | { readonly kind: 'map'; readonly key: ScalarType };
  readonly oneof: OneofSchema | undefined;
  readonly isOptional: boolean;
  readonly isDeprecated: boolean;
  readonly rules: RuleSet | undefined;
}

/** One message. */
export interface MessageSchema {
  readonly name: string;
  /** By number. */
  readonly fields: readonly FieldSchema[];
  /** As in the .proto file: the order in which they are written. */
  readonly declared: readonly FieldSchema[];
  readonly oneofs: readonly OneofSchema[];
  /** The field of a key in JSON or YAML, which may be either name. */
  fieldOf(key: string): FieldSchema | undefined;
}

/** One enum. Of two names of one number the first counts when writing. */
export interface EnumSchema {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

/** As tools/generate/schema.ts writes it. */
interface FieldEntry {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly json?: string;
  readonly repeated?: true;
  readonly key?: ScalarType;
  readonly oneof?: string;
  readonly optional?: true;
  readonly deprecated?: true;
  readonly rules?: RuleSet;
}

/** Texts of the table, by full name. */
export interface SchemaTexts {
  readonly messages: Readonly<Record<string, string>>;
  readonly enums: Readonly<Record<string, string>>;
}

/** The parsed table. */
export interface Schemas {
  /** Undefined when the table has none of this full name. */
  message(name: string): MessageSchema | undefined;
  /** As `message`. */
  enum(name: string): EnumSchema | undefined;
  /** Whether `message` knows it, without parsing. */
  hasMessage(name: string): boolean;
}

/** The table of these texts. Each is parsed once. */
export function createSchemas(texts: SchemaTexts): Schemas {
  const messages = new Map<string, MessageSchema>();
  const enums = new Map<string, EnumSchema>();
  return {
    message: (name) => messages.get(name) ?? keep(messages, name, parseMessage(name, textOf(texts.messages, name))),
    enum: (name) => enums.get(name) ?? keep(enums, name, parseEnum(name, textOf(texts.enums, name))),
    hasMessage: (name) => Object.hasOwn(texts.messages, name),
  };
}

function textOf(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}

function keep<Schema>(cache: Map<string, Schema>, name: string, schema: Schema | undefined): Schema | undefined {
  if (schema) cache.set(name, schema);
  return schema;
}

function parseEnum(name: string, text: string | undefined): EnumSchema | undefined {
  if (text === undefined) return undefined;
  const entries = Object.entries(JSON.parse(text) as Record<string, number>);
  const names = new Map<number, string>();
  for (const [value, number] of entries) if (!names.has(number)) names.set(number, value);
  return { name, numbers: new Map(entries), names };
}

function parseMessage(name: string, text: string | undefined): MessageSchema | undefined {
  if (text === undefined) return undefined;
  const { fields, required = [] } = JSON.parse(text) as { fields: readonly FieldEntry[]; required?: readonly string[] };
  return buildMessage(name, fields, required);
}

function buildMessage(name: string, entries: readonly FieldEntry[], required: readonly string[]): MessageSchema {
  const oneofs = new Map<string, OneofSchema>();
  for (const { oneof } of entries) {
    if (oneof === undefined || oneofs.has(oneof)) continue;
    oneofs.set(oneof, { name: oneof, property: camelCase(oneof), isRequired: required.includes(oneof) });
  }
  const declared = entries.map((entry) => buildField(entry, entry.oneof === undefined ? undefined : oneofs.get(entry.oneof)));
  const fields = [...declared].sort((a, b) => a.number - b.number);
  const byKey = new Map<string, FieldSchema>();
  for (const field of fields) byKey.set(field.name, field).set(field.jsonName, field);
  return { name, fields, declared, oneofs: [...oneofs.values()], fieldOf: (key) => byKey.get(key) };
}

function buildField(entry: FieldEntry, oneof: OneofSchema | undefined): FieldSchema {
  const property = camelCase(entry.name);
  return {
    name: entry.name,
    jsonName: entry.json ?? property,
    property,
    number: entry.number,
    type: fieldType(entry.type),
    shape: entry.key !== undefined ? { kind: 'map', key: entry.key } : { kind: entry.repeated ? 'list' : 'single' },
    oneof,
    isOptional: entry.optional === true,
    isDeprecated: entry.deprecated === true,
    rules: entry.rules,
  };
}

function fieldType(text: string): FieldType {
  const colon = text.indexOf(':');
  if (colon < 0) return { kind: 'scalar', scalar: text as ScalarType };
  return { kind: text.slice(0, colon) as 'enum' | 'message', name: text.slice(colon + 1) };
}

function camelCase(name: string): string {
  return name.replace(/_([^_]?)/g, (_, letter: string) => letter.toUpperCase());
}
