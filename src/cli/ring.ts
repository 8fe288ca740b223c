import { systemClock, systemRandom } from '../core/index.ts';
import { showRings } from '../roles/ring-show.ts';
import { type Command, type CommandIo, EXIT, UsageError } from './command.ts';
import { parseDurationMs, parseFlags } from './flags.ts';
import { configFrom, controlWords, lookWords, ringSourceFlags, ringSourceHelp } from './ring-sources.ts';

/** Looking at rings. */
export const ringCommand: Command = {
  name: 'ring',
  help: () => `Reads a ring once and says what is so: zones × partitions, members, what is wrong, and what to do next. Takes two seconds at most.

usage: ringway ring show -c ringway.yaml [options]
       ringway ring show --tempo URL [--tempo URL ...] [options]

${ringSourceHelp}
      --ring NAME       with a file: only this ring (default: all); with --tempo: its name (default live-store)
      --json            for machines
      --probe-timeout TIME  how long a member's port may take to answer (default 700ms, at most 1s); 0 leaves the ports alone

exit: 0 the rings were read; 1 a ring could not be read; 64 bad usage

examples:
  ringway ring show --tempo http://querier:3200
  ringway ring show -c ringway.yaml --json | jq '.rings[].findings'
`,
  async run(args, io) {
    const [verb, ...rest] = args;
    if (verb !== 'show') throw new UsageError(`"${verb ?? ''}" is nothing to do with a ring; allowed: show`);
    return show(rest, io);
  },
};

const MAX_PROBE_MS = 1_000;

async function show(args: readonly string[], io: CommandIo): Promise<number> {
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
