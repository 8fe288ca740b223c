import { fieldPath, refuse } from '../../runtime/compile/index.ts';
import type { RequestRecord } from '../record.ts';
import { parseFormat } from './text.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Node = (record: RequestRecord) => Json;

/**
 * json_format: one object a line with its keys sorted. A string that is one command keeps the command's type; absent values are null, or
 * left out with `omitEmpty`.
 */
export function compileJson(
  path: string,
  format: Readonly<Record<string, unknown>>,
  omitEmpty: boolean,
): (record: RequestRecord) => string {
  const node = compileObject(path, format, omitEmpty);
  return (record) => `${JSON.stringify(node(record))}\n`;
}

function compileObject(path: string, format: Readonly<Record<string, unknown>>, omitEmpty: boolean): Node {
  const entries = Object.entries(format)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, compileNode(fieldPath(path, `["${key}"]`), value, omitEmpty)] as const);
  return (record) => {
    const object: Record<string, Json> = {};
    for (const [key, node] of entries) {
      const value = node(record);
      if (value !== null || !omitEmpty) object[key] = value;
    }
    return object;
  };
}

function compileNode(path: string, value: unknown, omitEmpty: boolean): Node {
  if (typeof value === 'string') return compileString(path, value, omitEmpty);
  if (Array.isArray(value)) {
    const nodes = value.map((item, i) => compileNode(`${path}[${i}]`, item, omitEmpty));
    return (record) => nodes.map((node) => node(record));
  }
  if (typeof value === 'object' && value !== null) return compileObject(path, value as Readonly<Record<string, unknown>>, omitEmpty);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return () => value;
  return refuse(path, 'is no JSON value');
}

function compileString(path: string, text: string, omitEmpty: boolean): Node {
  const parts = parseFormat(path, text);
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'function') return only;
  return (record) => parts.map((part) => (typeof part === 'string' ? part : (part(record) ?? (omitEmpty ? '' : '-')))).join('');
}
