import { refuse } from '../../runtime/compile/index.ts';
import type { LineBuffer } from '../line-buffer.ts';
import type { RequestRecord } from '../record.ts';
import { COMMANDS, type Value } from './commands.ts';

/** Envoy's line when a file access log has no format of its own. */
export const DEFAULT_FORMAT: string =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% ' +
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ' +
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** `%NAME%`, `%NAME(argument)%`, `%NAME(argument):length%`, `%%`. */
const COMMAND = /%(?:([A-Z_0-9]+)(?:\(([^)]*)\))?(?::(\d+))?)?%/y;

/** Text between commands, or a command. */
export type Part = string | Value;

/** Takes a format string apart. Throws CompileError for a command that is not known or not closed. */
export function parseFormat(path: string, format: string): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < format.length) {
    const next = format.indexOf('%', at);
    if (next !== at) parts.push(octets(format.slice(at, next < 0 ? format.length : next)));
    if (next < 0) break;
    COMMAND.lastIndex = next;
    const match = COMMAND.exec(format);
    if (!match) return refuse(path, `"${format.slice(next, next + 40)}" is no command operator (%NAME% or %NAME(argument):length%)`);
    parts.push(compileCommand(path, match));
    at = COMMAND.lastIndex;
  }
  return parts;
}

/** Writes what a format says of a record. */
export type Line = (record: RequestRecord, out: LineBuffer) => void;

/** A format string as a function of a record; absent values are `-`, or '' with `omitEmpty`. */
export function compileText(path: string, format: string, omitEmpty: boolean): Line {
  const parts = parseFormat(path, format).map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part));
  const absent = omitEmpty ? '' : '-';
  return (record, out) => {
    for (const part of parts) {
      if (typeof part !== 'function') {
        out.octets(part);
        continue;
      }
      const found = part(record);
      if (typeof found === 'object' && found !== null) out.value(found);
      else out.text(String(found ?? absent));
    }
  };
}

/** What the parts of a format say, joined. */
export function writeParts(parts: readonly Part[], record: RequestRecord, absent: string): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : textOf(part(record), absent);
  return text;
}

function textOf(found: ReturnType<Value>, absent: string): string {
  if (found === null) return absent;
  return typeof found === 'object' ? found.value : String(found);
}

/** UTF-8 as latin-1 characters, which is what header values are and lines are written as. */
function octets(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function compileCommand(path: string, [text, name, argument = '', length]: RegExpExecArray): Part {
  if (name === undefined) return '%';
  const command = COMMANDS[name];
  if (!command) return refuse(path, `%${name}% is not supported (only ${Object.keys(COMMANDS).join(', ')})`);
  const value = command(argument, `${path}: ${text}`);
  if (length === undefined) return value;
  return (record) => {
    const full = value(record);
    return full === null ? null : textOf(full, '').slice(0, Number(length));
  };
}
