// Messages of google.protobuf that have a JSON form of their own, as generated code holds them.

import type { FieldType, ScalarType } from '../../protobuf/index.ts';
import { parseDuration } from '../duration.ts';
import { describeNode, type SourceNode } from '../source/node.ts';
import { parseTimestamp } from '../timestamp.ts';

const PREFIX = 'google.protobuf.';

const WRAPPERS: Readonly<Record<string, ScalarType>> = {
  'google.protobuf.DoubleValue': 'double',
  'google.protobuf.FloatValue': 'float',
  'google.protobuf.Int64Value': 'int64',
  'google.protobuf.UInt64Value': 'uint64',
  'google.protobuf.Int32Value': 'int32',
  'google.protobuf.UInt32Value': 'uint32',
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.BytesValue': 'bytes',
};

/** The scalar that a wrapper message wraps. Fields of that type hold the bare scalar. */
export function wrappedScalar(name: string): ScalarType | undefined {
  return name.startsWith(PREFIX) && Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
}

/** True for messages whose JSON form is not an object of their fields; in an Any it stands under `value`. */
export function hasOwnForm(name: string): boolean {
  if (!name.startsWith(PREFIX)) return false;
  return wrappedScalar(name) !== undefined || /^(Duration|Timestamp|Struct|Value|ListValue|Any|FieldMask)$/.test(name.slice(PREFIX.length));
}

/** Reads a Duration. */
export function readDuration(node: SourceNode): { value: unknown } | { error: string } {
  const rule = 'a duration must start with an integer and end with s, like 0.25s or 15s';
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return { error: `expected a duration, got ${describeNode(node)}; ${rule}` };
  const value = parseDuration(node.value);
  return value ? { value } : { error: `bad duration "${node.value}": ${rule}` };
}

/** Reads a Timestamp. */
export function readTimestamp(node: SourceNode): { value: unknown } | { error: string } {
  const value = node.kind === 'scalar' && typeof node.value === 'string' ? parseTimestamp(node.value) : null;
  return value ? { value } : { error: `expected a time like 2026-01-02T03:04:05Z, got ${describeNode(node)}` };
}

/** True for google.protobuf.Value, the one type for which null is a value. */
export function isPlainValue(type: FieldType): boolean {
  return type.kind === 'message' && type.name === 'google.protobuf.Value';
}
