import { systemClock, systemRandom } from '../../core/index.ts';
import { showRings } from '../../roles/ring-show.ts';
import { type CommandIo, EXIT, UsageError } from '../command.ts';
import { parseDurationMs, parseFlags } from '../flags.ts';
import { configFrom, controlWords, lookWords, ringSourceFlags } from '../ring-sources.ts';

const MAX_PROBE_MS = 1_000;

/** `ringway ring show`: the rings once. */
export async function showCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    ...ringSourceFlags,
    json: { type: 'boolean', default: false },
    'probe-timeout': { type: 'string', default: '700ms' },
  });
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is one word too many`);
  const probeTimeoutMs = parseDurationMs('--probe-timeout', values['probe-timeout']);
  if (probeTimeoutMs > MAX_PROBE_MS)
    throw new UsageError(`--probe-timeout: "${values['probe-timeout']}" is longer than ${MAX_PROBE_MS} ms`);
  const shown = await showRings(
    {
      config: await configFrom(values),
      ring: values.config === undefined ? null : (values.ring ?? null),
      probeTimeoutMs,
      proposals: {
        control: `ringway control ${controlWords(values)}`,
        lookAgain: (allow) => `ringway ring show ${lookWords(values, allow)}`,
      },
    },
    { clock: systemClock, random: systemRandom, environment: io.env },
  );
  io.stdout.write(values.json ? `${JSON.stringify({ rings: shown.rings }, null, 2)}\n` : shown.text);
  return shown.readable ? EXIT.ok : EXIT.failed;
}
