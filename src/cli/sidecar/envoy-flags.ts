import { RingwayError } from '../../core/index.ts';
import { ENVOY_FLAGS, type EnvoyFlag } from './envoy-flag-table.ts';

/** The words cannot be understood. `usage` goes to stderr as it is. */
export class FlagError extends RingwayError {
  readonly usage: string;

  constructor(argument: string, reason: string) {
    super(`PARSE ERROR: Argument: ${argument}: ${reason}`, { code: 'ENVOY_FLAGS' });
    this.usage = `PARSE ERROR: Argument: ${argument}
             ${reason}

Usage: ringway sidecar -c <file> [flags of envoy]; all of them: ringway sidecar --help
`;
  }
}

/** Values of Envoy's flags, by their names in envoy.admin.v3.CommandLineOptions. */
export type EnvoyFlagValues = ReadonlyMap<string, string | number | boolean>;

/** Reads Envoy's command line: `--flag value`, `--flag=value`, `-c value`. Every flag is in the result, with its default unless given. */
export function parseEnvoyFlags(words: readonly string[]): EnvoyFlagValues {
  const values = new Map(ENVOY_FLAGS.map((flag) => [flag.option, flag.fallback]));
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as string;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const flag = ENVOY_FLAGS.find((known) => name === `--${known.name}` || (known.short !== undefined && name === `-${known.short}`));
    if (!flag) throw new FlagError(word, "couldn't find match for argument");
    if (flag.kind === 'switch') {
      if (equals >= 0) throw new FlagError(name, 'takes no value');
      values.set(flag.option, true);
      continue;
    }
    if (equals < 0) i += 1;
    const text = equals < 0 ? words[i] : word.slice(equals + 1);
    if (text === undefined) throw new FlagError(name, 'missing a value for this argument');
    values.set(flag.option, readValue(flag, name, text));
  }
  return values;
}

function readValue(flag: EnvoyFlag, name: string, text: string): string | number {
  if (flag.kind === 'text') {
    if (flag.allowed && !flag.allowed.includes(text))
      throw new FlagError(name, `"${text}" is not allowed; allowed: ${flag.allowed.join(', ')}`);
    return text;
  }
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= 4_294_967_295)) throw new FlagError(name, `couldn't read argument value from string '${text}'`);
  return number;
}

/** What `/server_info` shows of them: durations as Envoy writes them, everything else as it is. */
export function commandLineOptions(values: EnvoyFlagValues): Record<string, unknown> {
  return Object.fromEntries(
    ENVOY_FLAGS.map((flag): [string, unknown] => [
      flag.option,
      flag.shown?.(values.get(flag.option) as string | number) ?? values.get(flag.option),
    ]),
  );
}
