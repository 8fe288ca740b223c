import { RingwayError, systemClock, systemRandom } from '../core/index.ts';
import { type FromWorker, type InitMessage, readToWorker } from '../proxy/worker/index.ts';
import { LevelSwitch } from '../roles/sidecar/level-switch.ts';
import { createSidecarWorker, type SidecarWorker } from '../roles/sidecar-worker.ts';
import { createLogger } from '../telemetry/index.ts';
import { type Command, type CommandIo, EXIT } from './command.ts';
import { tuneV8 } from './sidecar/v8-settings.ts';

/** How long connections of a worker may go on whose first process is gone. */
const ORPHAN_DRAIN_MS = 5_000;

/** What `ringway sidecar --concurrency N` starts beside itself; of no use alone. */
export const sidecarWorkerCommand: Command = {
  name: 'sidecar-worker',
  help: () => `One of the processes of a sidecar with more than one. Started by it, never by hand.

usage: ringway sidecar --concurrency N …
`,
  async run(_args, { env }) {
    if (!process.connected) throw new RingwayError('only ringway sidecar --concurrency N starts it', { code: 'USAGE' });
    // As in the first process: it says when to open logs anew and when to end. Unhandled, the signal would open a debugger's port.
    const reopen = (): void => worker?.take({ kind: 'reopen-logs' });
    process.on('SIGUSR1', reopen);
    let worker: SidecarWorker | undefined;
    const isOrphan = await new Promise<boolean>((resolve) => {
      process.on('disconnect', () => resolve(true));
      process.on('message', (value) => {
        const message = readToWorker(value);
        if (message?.kind === 'stop') resolve(false);
        else if (message?.kind === 'init' && !worker) {
          const created = createWorker(message, env);
          worker = created;
          tuneV8({ isServing: () => created.connections > 0 });
        } else if (message) worker?.take(message);
      });
    });
    await (isOrphan ? worker?.stop(ORPHAN_DRAIN_MS) : worker?.stop());
    await flushed();
    return isOrphan ? EXIT.failed : EXIT.ok;
  },
};

function createWorker(init: InitMessage, environment: CommandIo['env']): SidecarWorker {
  const levels = new LevelSwitch('info');
  const logger = levels.wrap(createLogger({ level: 'debug', role: 'sidecar' }).child({ worker: init.worker }));
  return createSidecarWorker(init, { clock: systemClock, random: systemRandom, logger, levels, environment, send });
}

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Resolves when everything that was sent has left. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) return resolve();
    // The channel keeps the order: what comes back of this one says that those before it are gone.
    process.send({ kind: 'bye' }, undefined, undefined, () => resolve());
  });
}
