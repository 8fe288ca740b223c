import { fieldPath, refuse } from '../../runtime/compile/index.ts';
import type { LineBuffer } from '../line-buffer.ts';
import type { RequestRecord } from '../record.ts';
import type { Value } from './commands.ts';
import { type Line, parseFormat, writeParts } from './text.ts';

/** Writes one value behind `label` and says so; false when it is left out. */
type Member = (record: RequestRecord, out: LineBuffer, label: Buffer) => boolean;

const NULL = Buffer.from('null');
const NOTHING = Buffer.alloc(0);
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COMMA, END] = ['{', '}', '[', ']', ',', '}\n'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/**
 * json_format: one object a line with its keys sorted. A string that is one command keeps the command's type; absent values are null, or
 * left out with `omitEmpty`. No object is built for JSON.stringify: that cost a tenth of a request.
 */
export function compileJson(path: string, format: Readonly<Record<string, unknown>>, omitEmpty: boolean): Line {
  const members = compileMembers(path, format, omitEmpty);
  return (record, out) => {
    writeMembers(members, record, out);
    out.octets(END);
  };
}

interface Labelled {
  readonly first: Buffer;
  readonly later: Buffer;
  readonly member: Member;
}

function compileMembers(path: string, format: Readonly<Record<string, unknown>>, omitEmpty: boolean): readonly Labelled[] {
  return Object.entries(format)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => {
      const label = `${JSON.stringify(key)}:`;
      const member = compileMember(fieldPath(path, `["${key}"]`), value, omitEmpty);
      return { first: Buffer.from(label), later: Buffer.from(`,${label}`), member };
    });
}

/** The object but for its closing brace. */
function writeMembers(members: readonly Labelled[], record: RequestRecord, out: LineBuffer): void {
  out.octets(OPEN);
  let isFirst = true;
  for (const { first, later, member } of members) if (member(record, out, isFirst ? first : later)) isFirst = false;
}

function compileMember(path: string, value: unknown, omitEmpty: boolean): Member {
  if (typeof value === 'string') return compileString(path, value, omitEmpty);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => compileMember(`${path}[${i}]`, item, false));
    return (record, out, label) => {
      out.octets(label);
      out.octets(OPEN_LIST);
      for (const [i, item] of items.entries()) item(record, out, i === 0 ? NOTHING : COMMA);
      out.octets(CLOSE_LIST);
      return true;
    };
  }
  if (typeof value === 'object' && value !== null) {
    const members = compileMembers(path, value as Readonly<Record<string, unknown>>, omitEmpty);
    return (record, out, label) => {
      out.octets(label);
      writeMembers(members, record, out);
      out.octets(CLOSE);
      return true;
    };
  }
  if (typeof value === 'number' || typeof value === 'boolean') return constant(JSON.stringify(value));
  if (value === null) return omitEmpty ? () => false : constant('null');
  return refuse(path, 'is no JSON value');
}

function constant(json: string): Member {
  const octets = Buffer.from(json);
  return (_record, out, label) => {
    out.octets(label);
    out.octets(octets);
    return true;
  };
}

function compileString(path: string, text: string, omitEmpty: boolean): Member {
  const parts = parseFormat(path, text);
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'function') return typed(only, omitEmpty);
  const absent = omitEmpty ? '' : '-';
  return (record, out, label) => {
    out.octets(label);
    out.quoted(writeParts(parts, record, absent));
    return true;
  };
}

function typed(value: Value, omitEmpty: boolean): Member {
  return (record, out, label) => {
    const found = value(record);
    if (found === null && omitEmpty) return false;
    out.octets(label);
    if (found === null) out.octets(NULL);
    else if (typeof found === 'number') out.number(found);
    else if (typeof found === 'string') out.quoted(found);
    else out.quotedValue(found);
    return true;
  };
}
