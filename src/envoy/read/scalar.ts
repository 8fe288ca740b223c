// Values of scalar types out of source nodes, by the rules of proto3 JSON.
import type { ScalarType } from '../../protobuf/index.ts';
import { describeNode, type SourceNode, type SourceScalar } from '../source/node.ts';

/** A value, or what is wrong with the node. */
export type ScalarResult = { readonly value: string | number | bigint | boolean | Uint8Array } | { readonly error: string };

const BOUNDS: Partial<Record<ScalarType, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};
const FLOAT_MAX = 3.4028234663852886e38;

/** Reads one value of a scalar type. */
export function readScalar(type: ScalarType, node: SourceNode): ScalarResult {
  if (node.kind !== 'scalar') return { error: `expected ${article(type)}, got ${describeNode(node)}` };
  if (type === 'string') return readString(node);
  if (type === 'bool') return readBool(node);
  if (type === 'bytes') return readBytes(node);
  if (type === 'double' || type === 'float') return readFloat(type, node);
  return readInteger(type, node);
}

/** Reads the text of a map's key. */
export function readKey(type: ScalarType, key: string): ScalarResult {
  if (type === 'string') return { value: key };
  if (type === 'bool')
    return key === 'true' || key === 'false' ? { value: key === 'true' } : { error: `expected true or false, got the key "${key}"` };
  return readInteger(type, { kind: 'scalar', at: { line: 1, column: 1 }, value: key, text: key });
}

function readString(node: SourceScalar): ScalarResult {
  if (typeof node.value === 'string') return { value: node.value };
  return { error: `expected a string, got ${describeNode(node)}; write "${node.text}" in quotes` };
}

/** In quotes, too, as in Envoy. */
function readBool(node: SourceScalar): ScalarResult {
  if (typeof node.value === 'boolean') return { value: node.value };
  if (node.value === 'true' || node.value === 'false') return { value: node.value === 'true' };
  return { error: `expected true or false, got ${describeNode(node)}` };
}

function readInteger(type: ScalarType, node: SourceScalar): ScalarResult {
  const wrong = { error: `expected ${article(type)}, got ${describeNode(node)}` };
  if (typeof node.value === 'boolean' || node.value === null) return wrong;
  const exact = integerOf(typeof node.value === 'number' && Number.isSafeInteger(node.value) ? String(node.value) : node.text);
  if (exact === null) return wrong;
  const [low, high] = BOUNDS[type] as readonly [bigint, bigint];
  if (exact < low || exact > high) return { error: `${exact} is out of range for ${type} (${low} to ${high})` };
  return { value: type.endsWith('64') ? exact : Number(exact) };
}

/** Digits, also with an exponent or a fraction of zeros: 10, 1e1, 1.0. */
function integerOf(text: string): bigint | null {
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text);
  if (!/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? BigInt(value) : null;
}

function readFloat(type: 'double' | 'float', node: SourceScalar): ScalarResult {
  const named = { NaN: Number.NaN, Infinity: Number.POSITIVE_INFINITY, '-Infinity': Number.NEGATIVE_INFINITY };
  if (typeof node.value === 'string' && Object.hasOwn(named, node.value)) return { value: named[node.value as keyof typeof named] };
  const isNumber = typeof node.value === 'number' || (typeof node.value === 'string' && /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(node.value));
  if (!isNumber) return { error: `expected a number, got ${describeNode(node)}` };
  const value = Number(node.value);
  if (!Number.isFinite(value) || (type === 'float' && Math.abs(value) > FLOAT_MAX))
    return { error: `${node.text} is out of range for ${type}` };
  return { value: type === 'float' ? Math.fround(value) : value };
}

function readBytes(node: SourceScalar): ScalarResult {
  if (typeof node.value !== 'string') return { error: `expected a string in base64, got ${describeNode(node)}` };
  const text = node.value.replace(/-/g, '+').replace(/_/g, '/').replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) return { error: `not base64: ${describeNode(node)}` };
  return { value: new Uint8Array(Buffer.from(text, 'base64')) };
}

function article(type: ScalarType): string {
  if (type === 'string') return 'a string';
  if (type === 'bool') return 'true or false';
  if (type === 'bytes') return 'a string in base64';
  return type === 'double' || type === 'float' ? 'a number' : `a whole number (${type})`;
}
