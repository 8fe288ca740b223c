import type { RingwayError } from '../core/index.ts';
import { type Command, type CommandIo, EXIT, UsageError } from './command.ts';
import { parseDurationMs, parseFlags, parseInteger } from './flags.ts';
import { addressOf, type ComposedKind, composeBootstrap, composedFlags, composedHelp, isComposedKind } from './sidecar/composed-flags.ts';
import { commandLineOptions, parseEnvoyFlags } from './sidecar/envoy-flags.ts';
import { runEnvoyForm } from './sidecar/envoy-form.ts';
import { MAX_CONCURRENCY, serveSidecar } from './sidecar/serve.ts';
import { version } from './version.ts';

const LEVELS = ['debug', 'info', 'warning', 'error', 'off'] as const;

/** The data plane beside a live-store or a querier. */
export const sidecarCommand: Command = {
  name: 'sidecar',
  help: () => `Runs a sidecar: from a bootstrap that Envoy takes as well, or from a few flags.

usage: ringway sidecar -c envoy.yaml [flags of envoy]
       ringway sidecar inbound --listen ADDRESS [options]                     beside a live-store
       ringway sidecar egress --listen ADDRESS --control ADDRESS [options]    beside a querier

${composedHelp('from the machine')}      --state-dir DIR     egress: keeps the last accepted configuration, served at a start while control is away
      --probe ADDRESS     a port for probes alone: /ready and /healthz; may stand open
      --drain-time TIME   how long connections may go on after SIGTERM (default 30s)
      --concurrency N     processes that share the port (default 1, which is right for a sidecar); limits are each process's own
      --log-level LEVEL   ${LEVELS.join(', ')} (default info)

with -c: Envoy's own flags, among them
  -c, --config-path FILE  YAML (.yaml, .yml) or JSON
      --config-yaml TEXT  laid over the file
      --mode validate     says whether the configuration is OK and ends
      --service-node ID, --service-cluster NAME, --service-zone ZONE
      --drain-time-s N    (default 600)
      --concurrency N     (default 1) processes that share the ports; limits are each process's own
  -l, --log-level LEVEL   trace, debug, info, warning, error, critical, off
  Those of hot restart and cores are taken and shown in /server_info.

SIGTERM and SIGINT: not ready any more, no new connections, those there may end, exit 0. SIGUSR1 opens access logs anew.

examples:
  ringway sidecar inbound --listen :9096 --control control:18000
  ringway sidecar inbound --listen 10.0.0.7:9096 --local 127.0.0.1:9095 --member live-store-zone-a-0 --probe :9097
  ringway sidecar egress --listen 127.0.0.1:9096 --zone zone-a --control control:18000 --admin 127.0.0.1:9901 --state-dir /var/lib/ringway
  ringway sidecar -c envoy.yaml --service-node "$POD_NAME"
  ringway sidecar -c envoy.yaml --mode validate
`,
  run(args, io) {
    const [kind, ...rest] = args;
    return isComposedKind(kind) ? runComposed(kind, rest, io) : runEnvoyForm(args, io);
  },
  exitCodeOf: (error: RingwayError) => (error instanceof UsageError ? EXIT.usage : EXIT.failed),
};

function runComposed(kind: ComposedKind, args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    ...composedFlags,
    'state-dir': { type: 'string' },
    probe: { type: 'string' },
    'drain-time': { type: 'string' },
    concurrency: { type: 'string' },
    'log-level': { type: 'string' },
  });
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is one word too many`);
  const level = values['log-level'] ?? 'info';
  const logLevel = LEVELS.find((known) => known === (level === 'warn' ? 'warning' : level));
  if (!logLevel) throw new UsageError(`--log-level: "${level}" is not one of ${LEVELS.join(', ')}`);
  const drainTimeMs = parseDurationMs('--drain-time', values['drain-time'] ?? '30s');
  const concurrency = parseInteger('--concurrency', values.concurrency ?? '1', { min: 1, max: MAX_CONCURRENCY });
  const options = {
    bootstrap: composeBootstrap(kind, values, io, 'from the machine'),
    version,
    commandLine: { ...commandLineOptions(parseEnvoyFlags([])), concurrency, drain_time: `${drainTimeMs / 1000}s`, log_level: logLevel },
    concurrency,
    drainTimeMs,
    stateDir: values['state-dir'] ?? null,
    probe: values.probe === undefined ? null : addressOf('--probe', values.probe),
    logLevel,
    logPath: '',
    adminAddressPath: '',
    warnings: [],
  };
  return serveSidecar(options, io);
}
