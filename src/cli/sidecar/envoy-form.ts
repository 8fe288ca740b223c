import { RingwayError } from '../../core/index.ts';
import { formatProblem } from '../../envoy/index.ts';
import type { EnvoyLogLevel } from '../../proxy/admin/types.ts';
import { BootstrapError, loadBootstrap } from '../../proxy/bootstrap/index.ts';
import { type CommandIo, EXIT } from '../command.ts';
import { version } from '../version.ts';
import { commandLineOptions, type EnvoyFlagValues, FlagError, parseEnvoyFlags } from './envoy-flags.ts';
import { MAX_CONCURRENCY, type ServeOptions, serveSidecar, validateSidecar } from './serve.ts';

/** `ringway sidecar -c envoy.yaml`: Envoy's flags, Envoy's exit codes. */
export async function runEnvoyForm(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--version')) {
    io.stdout.write(`ringway sidecar  version: ${version}\n`);
    return EXIT.ok;
  }
  let flags: EnvoyFlagValues;
  try {
    flags = parseEnvoyFlags(args);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    io.stderr.write(error.usage);
    return EXIT.failed;
  }
  const text = (name: string): string => String(flags.get(name));
  const subject = text('config_path') || '--config-yaml';
  try {
    const options = await optionsOf(flags);
    if (text('mode') === 'serve') return await serveSidecar(options, io);
    validateSidecar(options, io);
    io.stdout.write(`configuration '${subject}' OK\n`);
    return EXIT.ok;
  } catch (error) {
    // Envoy's words around every reason: people and scripts look for them.
    if (!(error instanceof RingwayError) || error instanceof BootstrapError) throw error;
    throw new RingwayError(`error initializing configuration '${subject}': ${error.message}`, { code: error.code, cause: error });
  }
}

async function optionsOf(flags: EnvoyFlagValues): Promise<ServeOptions> {
  const concurrency = concurrencyOf(Number(flags.get('concurrency')));
  const text = (name: string): string => String(flags.get(name));
  const { bootstrap, warnings } = await loadBootstrap({
    configPath: text('config_path'),
    configYaml: text('config_yaml'),
    serviceNode: text('service_node'),
    serviceCluster: text('service_cluster'),
    serviceZone: text('service_zone'),
    allowsUnknownFields: flags.get('allow_unknown_static_fields') === true,
  });
  return {
    bootstrap,
    warnings: warnings.map(formatProblem),
    version,
    commandLine: { ...commandLineOptions(flags), concurrency },
    concurrency,
    drainTimeMs: Number(flags.get('drain_time')) * 1000,
    stateDir: null,
    probe: null,
    logLevel: levelOf(text('log_level')),
    logPath: text('log_path'),
    adminAddressPath: text('admin_address_path'),
  };
}

/** As in Envoy, 0 is one. */
function concurrencyOf(asked: number): number {
  if (asked > MAX_CONCURRENCY)
    throw new RingwayError(`--concurrency: ${asked} is too many; allowed: 1 to ${MAX_CONCURRENCY}`, { code: 'CONFIG' });
  return Math.max(1, asked);
}

function levelOf(level: string): EnvoyLogLevel {
  return (level === 'warn' ? 'warning' : level) as EnvoyLogLevel;
}
