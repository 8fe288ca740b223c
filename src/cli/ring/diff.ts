import { loadConfig, type RingwayConfig } from '../../config/index.ts';
import { RingwayError, systemClock, systemRandom } from '../../core/index.ts';
import { diffSources, type SourceChoice } from '../../roles/ring-diff.ts';
import { type CommandIo, EXIT, UsageError } from '../command.ts';
import { parseFlags } from '../flags.ts';
import { configOf, DEFAULT_RING } from '../ring-sources.ts';
import { parseSourceUri, sourceForms } from './source-uri.ts';

/** A source could not be read, so that nothing is known about a difference: as with diff(1). */
const UNREADABLE = 2;

/** `ringway ring diff`: one ring as two sources have it. */
export async function diffCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    config: { type: 'string', short: 'c' },
    ring: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const [left, right, more] = positionals;
  if (left === undefined || right === undefined || more !== undefined)
    throw new UsageError(
      `sources given: ${positionals.length}; allowed: two, such as ringway ring diff http://querier:3200 nats://nats:4222`,
    );
  const file = values.config === undefined ? null : await loadConfig(values.config);
  try {
    const { comparison, text } = await diffSources(choose(left, file, values.ring), choose(right, file, values.ring), {
      clock: systemClock,
      random: systemRandom,
      environment: io.env,
    });
    io.stdout.write(values.json ? `${JSON.stringify(comparison, null, 2)}\n` : text);
    return comparison.equal ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!(error instanceof RingwayError) || error.code !== 'SOURCE_UNREADABLE') throw error;
    io.stderr.write(`ringway ring: ${error.message}\n`);
    return UNREADABLE;
  }
}

/** A URI is read as it is; any other word names a source of the file. */
function choose(label: string, file: RingwayConfig | null, ring: string | undefined): SourceChoice {
  const uri = parseSourceUri(label);
  if (uri !== null) return { label, config: configOf([uri], { ring }), ring: ring ?? DEFAULT_RING, source: null };
  if (file === null) throw new UsageError(`"${label}" is not a source; allowed: ${sourceForms}, and with --config the name of a source`);
  return { label, config: file, ring: ring ?? onlyRing(file), source: label };
}

function onlyRing({ rings }: RingwayConfig): string {
  const names = [...rings.keys()];
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw new UsageError(`give --ring NAME; there is: ${names.join(', ') || 'none'}`);
}
