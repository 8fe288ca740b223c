import { type ParseArgsConfig, parseArgs } from 'node:util';
import { codeOf, messageOf, nearestName } from '../core/index.ts';
import { UsageError } from './command.ts';

/** Flags of a command, as node:util's parseArgs takes them. */
export type FlagTable = NonNullable<ParseArgsConfig['options']>;

type Parsed<Flags extends FlagTable> = ReturnType<typeof parseArgs<{ options: Flags; allowPositionals: true; strict: true }>>;

/** Splits the words after a command's name into flags and positionals. Throws UsageError that names the word and what is allowed. */
export function parseFlags<const Flags extends FlagTable>(args: readonly string[], flags: Flags): Parsed<Flags> {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true });
  } catch (error) {
    if (!codeOf(error)?.startsWith('ERR_PARSE_ARGS_')) throw error;
    throw new UsageError(explain(error, flags), error);
  }
}

function explain(error: unknown, flags: FlagTable): string {
  const named = /'(?:-\w, )?(-{1,2}[^' ]+)[^']*'/.exec(messageOf(error))?.[1] ?? '';
  if (codeOf(error) === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const known = Object.keys(flags).map((name) => `--${name}`);
    const near = nearestName(named, known);
    return `unknown option ${named}${near ? `; did you mean ${near}?` : `; allowed: ${known.join(', ')}`}`;
  }
  if (flags[named.replace(/^-+/, '')]?.type === 'boolean') return `${named} takes no value`;
  return `${named} needs a value`;
}

/** Reads a whole number from a flag. Throws UsageError that names the flag and the range. */
export function parseInteger(flag: string, text: string, range: { readonly min: number; readonly max: number }): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw new UsageError(`${flag}: "${text}" is not a whole number from ${range.min} to ${range.max}`);
}

/** Reads `10s`, `250ms`, `2m` (or a bare number of seconds) as milliseconds. Throws UsageError that names the flag. */
export function parseDurationMs(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (!match) throw new UsageError(`${flag}: "${text}" is not a duration such as 500ms, 10s or 2m`);
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1000;
  return Number(match[1]) * unitMs;
}
