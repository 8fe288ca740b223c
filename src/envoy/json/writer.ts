// Canonical proto3 JSON out of message values, driven by the schema table.
import type { Any } from '../../gen/google/protobuf/any.ts';
import type { Duration } from '../../gen/google/protobuf/duration.ts';
import type { Timestamp } from '../../gen/google/protobuf/timestamp.ts';
import { type FieldSchema, type FieldType, type MessageSchema, plainForm, type ScalarType } from '../../protobuf/index.ts';
import { codecOf, typeNameOf } from '../codec.ts';
import { formatDuration } from '../duration.ts';
import { hasOwnForm, wrappedScalar } from '../read/well-known.ts';
import { enumSchema, knownMessage, messageSchema } from '../schema.ts';
import { formatTimestamp } from '../timestamp.ts';

/** What JSON.stringify takes. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** How to write. */
export interface JsonOptions {
  /** Names of fields: `proto` (static_resources, as Envoy's config_dump) or `camel` (staticResources). `proto` unless given. */
  readonly names?: 'proto' | 'camel';
}

/**
 * The canonical JSON of `message`, whose type has the full name `name`; fields at their default are left out. An Any of a type that is not
 * known becomes `{"@type": …, "value": <base64>}`. Throws for a name that is not known.
 */
export function messageToJson(name: string, message: unknown, options: JsonOptions = {}): Json {
  const names = options.names ?? 'proto';
  return hasOwnForm(name) ? ownForm(names, name, message) : fields(names, knownMessage(name), message as Readonly<Record<string, unknown>>);
}

type Names = 'proto' | 'camel';

function fields(names: Names, schema: MessageSchema, message: Readonly<Record<string, unknown>>): Record<string, Json> {
  const result: Record<string, Json> = {};
  for (const field of schema.fields) {
    const value = setValue(field, message);
    if (value !== undefined) result[names === 'proto' ? field.name : field.jsonName] = written(names, field, value);
  }
  return result;
}

/** The value of a field that is set, undefined when it is at its default. */
function setValue(field: FieldSchema, message: Readonly<Record<string, unknown>>): unknown {
  if (field.oneof) {
    const held = message[field.oneof.property] as { $case: string; value: unknown } | undefined;
    return held?.$case === field.property ? held.value : undefined;
  }
  const value = message[field.property];
  if (field.shape.kind === 'list') return (value as readonly unknown[]).length === 0 ? undefined : value;
  if (field.shape.kind === 'map') return (value as ReadonlyMap<unknown, unknown>).size === 0 ? undefined : value;
  if (field.type.kind === 'message' || field.isOptional) return value;
  return value === 0 || value === 0n || value === '' || value === false || (value as { length?: number }).length === 0 ? undefined : value;
}

function written(names: Names, field: FieldSchema, value: unknown): Json {
  if (field.shape.kind === 'list') return (value as readonly unknown[]).map((item) => single(names, field.type, item));
  if (field.shape.kind === 'single') return single(names, field.type, value);
  const pairs = [...(value as ReadonlyMap<unknown, unknown>)].map(([key, item]) => [String(key), single(names, field.type, item)] as const);
  return Object.fromEntries(pairs);
}

function single(names: Names, type: FieldType, value: unknown): Json {
  if (type.kind === 'scalar') return scalar(type.scalar, value);
  if (type.kind === 'enum') return enumSchema(type.name).names.get(value as number) ?? (value as number);
  const wrapped = wrappedScalar(type.name);
  if (wrapped !== undefined) return scalar(wrapped, value);
  switch (type.name) {
    case 'google.protobuf.Duration':
      return formatDuration(value as Duration);
    case 'google.protobuf.Timestamp':
      return formatTimestamp(value as Timestamp);
    case 'google.protobuf.Struct':
    case 'google.protobuf.Value':
    case 'google.protobuf.ListValue':
      return value as Json;
    case 'google.protobuf.Any':
      return anyToJson(names, value as Any);
    default:
      return fields(names, knownMessage(type.name), value as Readonly<Record<string, unknown>>);
  }
}

function scalar(type: ScalarType, value: unknown): Json {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  if (typeof value === 'number' && (type === 'double' || type === 'float')) {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
    return type === 'float' ? shortestFloat(value) : value;
  }
  return value as string | number | boolean;
}

/** The number with the fewest digits that is the same float. */
function shortestFloat(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

function anyToJson(names: Names, { typeUrl, value }: Any): Json {
  if (typeUrl === '' && value.length === 0) return {};
  const name = typeNameOf(typeUrl);
  const [schema, message] = [messageSchema(name), decoded(name, value)];
  if (!schema || message === undefined) return { '@type': typeUrl, value: scalar('bytes', value) };
  if (hasOwnForm(name)) return { '@type': typeUrl, value: ownForm(names, name, message) };
  return { '@type': typeUrl, ...fields(names, schema, message as Readonly<Record<string, unknown>>) };
}

function decoded(name: string, bytes: Uint8Array): unknown {
  try {
    return codecOf(name)?.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A message that stands alone, not in a field: generated code then holds it as it is declared. */
function ownForm(names: Names, name: string, message: unknown): Json {
  const wrapped = wrappedScalar(name);
  if (wrapped !== undefined) return scalar(wrapped, (message as { readonly value: unknown }).value);
  const plain = plainForm(name);
  return plain ? (plain.unwrap(message) as Json) : single(names, { kind: 'message', name }, message);
}
