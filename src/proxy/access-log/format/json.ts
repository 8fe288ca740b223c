import { fieldPath, refuse } from '../../runtime/compile/index.ts';
import type { RequestRecord } from '../record.ts';
import type { Value } from './commands.ts';
import { parseFormat } from './text.ts';

/** JSON text of one value; undefined when it is left out. */
type Text = (record: RequestRecord) => string | undefined;

/**
 * json_format: one object a line with its keys sorted. A string that is one command keeps the command's type; absent values are null, or
 * left out with `omitEmpty`. The text is put together from parts made here: building objects for JSON.stringify cost a tenth of a request.
 */
export function compileJson(
  path: string,
  format: Readonly<Record<string, unknown>>,
  omitEmpty: boolean,
): (record: RequestRecord) => string {
  const text = compileObject(path, format, omitEmpty);
  return (record) => `${text(record)}\n`;
}

function compileObject(path: string, format: Readonly<Record<string, unknown>>, omitEmpty: boolean): Text {
  const entries = Object.entries(format)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ label: `${JSON.stringify(key)}:`, text: compileNode(fieldPath(path, `["${key}"]`), value, omitEmpty) }));
  return (record) => {
    let json = '{';
    for (const { label, text } of entries) {
      const value = text(record);
      if (value !== undefined) json += json.length === 1 ? label + value : `,${label}${value}`;
    }
    return `${json}}`;
  };
}

function compileNode(path: string, value: unknown, omitEmpty: boolean): Text {
  if (typeof value === 'string') return compileString(path, value, omitEmpty);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => compileNode(`${path}[${i}]`, item, omitEmpty));
    return (record) => `[${items.map((item) => item(record) ?? 'null').join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) return compileObject(path, value as Readonly<Record<string, unknown>>, omitEmpty);
  if (typeof value === 'number' || typeof value === 'boolean') return constant(JSON.stringify(value));
  if (value === null) return constant(omitEmpty ? undefined : 'null');
  return refuse(path, 'is no JSON value');
}

function compileString(path: string, text: string, omitEmpty: boolean): Text {
  const parts = parseFormat(path, text);
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'function') return typed(only, omitEmpty);
  const quote = quoter();
  return (record) => quote(parts.map((part) => (typeof part === 'string' ? part : (part(record) ?? (omitEmpty ? '' : '-')))).join(''));
}

function constant(text: string | undefined): Text {
  return () => text;
}

function typed(value: Value, omitEmpty: boolean): Text {
  const absent = omitEmpty ? undefined : 'null';
  const quote = quoter();
  return (record) => {
    const found = value(record);
    if (found === null) return absent;
    return typeof found === 'number' ? String(found) : quote(found);
  };
}

/** JSON.stringify for strings. Most commands say the same as for the request before, so the last answer is kept. */
function quoter(): (text: string) => string {
  let last = '';
  let quoted = '""';
  return (text) => {
    if (text !== last) {
      last = text;
      quoted = JSON.stringify(text);
    }
    return quoted;
  };
}
