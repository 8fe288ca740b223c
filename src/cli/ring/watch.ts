import { systemClock, systemRandom } from '../../core/index.ts';
import { watchRings } from '../../roles/ring-watch.ts';
import { type CommandIo, EXIT, UsageError } from '../command.ts';
import { parseFlags } from '../flags.ts';
import { configFrom, ringSourceFlags } from '../ring-sources.ts';

/** `ringway ring watch`: the rings, then what changes, until Ctrl-C or until nobody reads it any more. */
export async function watchCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseFlags(args, { ...ringSourceFlags, json: { type: 'boolean', default: false } });
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is one word too many`);
  const ring = values.config === undefined ? null : (values.ring ?? null);
  await watchRings(
    { config: await configFrom(values), ring, json: values.json },
    { clock: systemClock, random: systemRandom, environment: io.env },
    (text) => io.stdout.write(text),
    AbortSignal.any([io.signal, io.stdout.closed]),
  );
  return EXIT.ok;
}
