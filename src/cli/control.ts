import { type HostPort, parseHostPort, systemClock, systemRandom } from '../core/index.ts';
import { createControl } from '../roles/control.ts';
import { createLogger, type LogLevel } from '../telemetry/index.ts';
import { type Command, type CommandIo, EXIT, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';
import { configFrom, ringSourceFlags, ringSourceHelp } from './ring-sources.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** The control server. */
export const controlCommand: Command = {
  name: 'control',
  help: () => `Reads rings and serves them as xDS: to egress sidecars (Ringway or Envoy) beside queriers, to inbound sidecars beside live-stores.

usage: ringway control -c ringway.yaml [options]
       ringway control --tempo URL ... | --source URI ... [options]

${ringSourceHelp}
      --ring NAME       without a file: the ring's name (default live-store)
      --xds ADDRESS     without a file: where xDS is served (default 127.0.0.1:18000)
      --admin ADDRESS   without a file: where pages and JSON are served (default 127.0.0.1:9902)
      --insecure        without a file: both may stand open to other machines without TLS
      --probe ADDRESS   a port for probes alone: /ready and /healthz; may stand open
      --log-level LEVEL debug, info, warn, error or silent (default: as the file says, else info)

SIGHUP reads the file again, and so does every change of it; a bad file is logged and changes nothing.
SIGTERM lets clients go, which keep what they have, and exits 0.

examples:
  ringway control -c ringway.yaml --probe :9903
  ringway control --tempo http://querier:3200 --tempo http://distributor:3200
  ringway control --source nats://nats:4222 --source http://querier:3200
  curl 127.0.0.1:9902/api/rings/live-store
`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, {
      ...ringSourceFlags,
      xds: { type: 'string' },
      admin: { type: 'string' },
      insecure: { type: 'boolean' },
      probe: { type: 'string' },
      'log-level': { type: 'string' },
    });
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is one word too many`);
    const config = await configFrom(values, listenersOf(values));
    const logger = createLogger({ level: levelOf(values['log-level']) ?? config.telemetry.logLevel, role: 'control' });
    const probe = values.probe === undefined ? null : listenOf('--probe', values.probe);
    const options = { config, configFile: values.config ?? null, probe };
    const role = createControl(options, { clock: systemClock, random: systemRandom, environment: io.env, logger });
    return serve(role, io);
  },
};

async function serve(role: ReturnType<typeof createControl>, io: CommandIo): Promise<number> {
  const stopListening = io.onReload(() => void role.reload());
  try {
    await role.start();
    const { xds, admin, probe } = role.addresses;
    io.stderr.write(`ringway control: xDS on ${xds}, pages on http://${admin}/${probe === null ? '' : `, probes on ${probe}`}\n`);
    await stopped(io.signal);
    await role.stop();
  } finally {
    stopListening();
  }
  return EXIT.ok;
}

/** What --xds and --admin say, as it would stand in a file. */
function listenersOf(values: {
  config?: string;
  ring?: string;
  xds?: string;
  admin?: string;
  insecure?: boolean;
}): Record<string, unknown> {
  const alone = (['ring', 'xds', 'admin', 'insecure'] as const).find((name) => values[name] !== undefined);
  if (values.config !== undefined && alone !== undefined)
    throw new UsageError(`--${alone} goes with --tempo and --source; with --config it stands in the file`);
  const section = (listen: string | undefined): Record<string, unknown> => ({
    ...(listen === undefined ? {} : { listen }),
    ...(values.insecure ? { insecure: true } : {}),
  });
  return { control: { xds: section(values.xds) }, admin: section(values.admin) };
}

function levelOf(text: string | undefined): LogLevel | undefined {
  if (text === undefined) return undefined;
  const level = LEVELS.find((known) => known === text);
  if (level === undefined) throw new UsageError(`--log-level: "${text}" is no level; allowed: ${LEVELS.join(', ')}`);
  return level;
}

function listenOf(flag: string, text: string): HostPort {
  try {
    return parseHostPort(text);
  } catch (error) {
    throw new UsageError(`${flag}: "${text}" is not host:port or :port`, error);
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
