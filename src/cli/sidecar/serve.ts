import { openSync, writeFileSync } from 'node:fs';
import { formatHostPort, messageOf, RingwayError, systemClock, systemRandom } from '../../core/index.ts';
import type { EnvoyLogLevel } from '../../proxy/admin/types.ts';
import { LevelSwitch } from '../../roles/sidecar/level-switch.ts';
import { createSidecar, type SidecarOptions, type SidecarRole } from '../../roles/sidecar.ts';
import { createLogger, type Logger } from '../../telemetry/index.ts';
import { type CommandIo, EXIT } from '../command.ts';
import { createForkWorker, type ProcessStarter } from './fork-worker.ts';
import { tuneV8 } from './v8-settings.ts';

/** The longest a timer of Node can be. */
const FOREVER_MS = 0x7fff_ffff;

/** Processes of one sidecar: more than a machine has cores for is a slip of the finger. */
export const MAX_CONCURRENCY = 256;

/** How a sidecar is run, beside what it is. */
export interface ServeOptions extends SidecarOptions {
  readonly logLevel: EnvoyLogLevel;
  /** A file for logs; '' is stderr. */
  readonly logPath: string;
  /** Where the admin address is written once it is bound; '' is nowhere. */
  readonly adminAddressPath: string;
  /** Told once, before the start. */
  readonly warnings: readonly string[];
}

/** Compiles everything and starts nothing: `--mode validate`. Throws RingwayError. */
export function validateSidecar(options: ServeOptions, io: Pick<CommandIo, 'env' | 'program'>): void {
  build(options, io, null);
}

/** Runs a sidecar until it is asked to stop, then drains it. */
export async function serveSidecar(options: ServeOptions, io: CommandIo): Promise<number> {
  const processes = options.concurrency > 1 ? await import('node:child_process') : null;
  const { role, logger } = build(options, io, processes);
  for (const warning of options.warnings) logger.warn('bootstrap.warning', {}, warning);
  // As Envoy does: what it was asked for at the start it keeps.
  const stopListening = io.onReload(() => logger.warn('sidecar.reload_ignored', {}, 'SIGHUP: a bootstrap is read once'));
  const reopen = (): void => role.reopenLogs();
  process.on('SIGUSR1', reopen);
  // before control answers nothing may be bound, and a process that only waits for timers would end
  const alive = setInterval(() => {}, FOREVER_MS);
  try {
    await role.start();
    tuneV8({ isServing: () => role.connections > 0 });
    tellAddresses(role, options, io);
    await stopped([io.signal, role.quit]);
    logger.info('sidecar.draining', { drainTimeMs: options.drainTimeMs }, 'draining');
    await role.stop();
  } finally {
    clearInterval(alive);
    process.off('SIGUSR1', reopen);
    stopListening();
  }
  return EXIT.ok;
}

interface Built {
  readonly role: SidecarRole;
  readonly logger: Logger;
}

function build(options: ServeOptions, io: Pick<CommandIo, 'env' | 'program'>, processes: ProcessStarter | null): Built {
  const levels = new LevelSwitch(options.logLevel);
  const fd = options.logPath === '' ? process.stderr.fd : openLog(options.logPath);
  const logger = levels.wrap(createLogger({ level: 'debug', role: 'sidecar', fd }));
  const forkWorker = processes ? createForkWorker(processes, io, fd) : neverFork;
  const deps = { clock: systemClock, random: systemRandom, logger, levels, environment: io.env, forkWorker };
  return { role: createSidecar(options, deps), logger };
}

function neverFork(): never {
  throw new Error('one process needs no worker');
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw new RingwayError(`--log-path ${path}: ${messageOf(error)}`, { code: 'CONFIG', cause: error });
  }
}

function tellAddresses(role: SidecarRole, { adminAddressPath }: ServeOptions, io: CommandIo): void {
  const { admin, probe } = role.addresses;
  const listeners = role.listeners.map(({ name, address }) => `${name} on ${formatHostPort(address)}`);
  const pages = admin === null ? [] : [`pages on http://${admin}/`];
  const probes = probe === null ? [] : [`probes on ${probe}`];
  io.stderr.write(`ringway sidecar: ${[...listeners, ...pages, ...probes].join(', ') || 'nothing is bound yet'}\n`);
  if (adminAddressPath === '' || admin === null) return;
  try {
    writeFileSync(adminAddressPath, admin);
  } catch (error) {
    throw new RingwayError(`--admin-address-path ${adminAddressPath}: ${messageOf(error)}`, { code: 'CONFIG', cause: error });
  }
}

function stopped(signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}
