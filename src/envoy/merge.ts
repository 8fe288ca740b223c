import type { FieldSchema, MessageSchema } from '../protobuf/index.ts';
import { wrappedScalar } from './read/well-known.ts';
import { knownMessage } from './schema.ts';

/**
 * `over` laid on `base` as protobuf merges (and so as Envoy lays --config-yaml on the file): fields that `over` sets win, messages merge
 * field by field, lists are appended, maps merge by key. That goes for wrappers and durations too: a wrapped false or 0 does not win, and
 * 0.5s over 1s is 1.5s. Neither is changed. Both are of the type with full name `name`.
 */
export function mergeMessages<T>(name: string, base: T, over: T): T {
  return merge(knownMessage(name), base as Record<string, unknown>, over as Record<string, unknown>) as T;
}

function merge(schema: MessageSchema, base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const result = { ...base };
  for (const field of schema.fields) {
    if (field.oneof) mergeOneof(field, result, over);
    else result[field.property] = mergeField(field, base[field.property], over[field.property]);
  }
  return result;
}

function mergeOneof(field: FieldSchema, result: Record<string, unknown>, over: Record<string, unknown>): void {
  const property = field.oneof?.property ?? '';
  const [mine, theirs] = [result[property] as Held, over[property] as Held];
  if (theirs?.$case !== field.property) return;
  result[property] = mine?.$case === field.property ? { $case: mine.$case, value: mergeSingle(field, mine.value, theirs.value) } : theirs;
}

type Held = { readonly $case: string; readonly value: unknown } | undefined;

function mergeField(field: FieldSchema, base: unknown, over: unknown): unknown {
  if (field.shape.kind === 'list') return [...(base as readonly unknown[]), ...(over as readonly unknown[])];
  if (field.shape.kind === 'map') return new Map([...(base as ReadonlyMap<unknown, unknown>), ...(over as ReadonlyMap<unknown, unknown>)]);
  if (over === undefined) return base;
  const isDefault = field.type.kind !== 'message' && !field.isOptional && isZero(over);
  return isDefault || base === undefined ? (isDefault ? base : over) : mergeSingle(field, base, over);
}

function mergeSingle({ type }: FieldSchema, base: unknown, over: unknown): unknown {
  if (type.kind !== 'message') return over;
  if (wrappedScalar(type.name) !== undefined) return isZero(over) ? base : over;
  if (type.name === 'google.protobuf.Struct') return { ...(base as object), ...(over as object) };
  if (type.name === 'google.protobuf.ListValue') return [...(base as readonly unknown[]), ...(over as readonly unknown[])];
  if (type.name === 'google.protobuf.Value') return over;
  return merge(knownMessage(type.name), base as Record<string, unknown>, over as Record<string, unknown>);
}

function isZero(value: unknown): boolean {
  return value === 0 || value === 0n || value === '' || value === false || (value instanceof Uint8Array && value.length === 0);
}
