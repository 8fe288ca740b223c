import type { ForkWorker, WorkerProcess } from '../../proxy/worker/index.ts';
import type { CommandIo } from '../command.ts';

/** What starts processes: loaded where there is more than one, a sidecar alone does not pay for it. */
export type ProcessStarter = Pick<typeof import('node:child_process'), 'spawn'>;

/** Starts workers of this sidecar, each with a channel as its only way to hear anything. Their stdout is ours, they log to `logFd`. */
export function createForkWorker(
  { spawn }: ProcessStarter,
  { program, env }: Pick<CommandIo, 'program' | 'env'>,
  logFd: number,
): ForkWorker {
  const [file, ...args] = program;
  // Who supervises this process does not supervise its workers.
  const { RINGWAY_SUPERVISED: _, ...own } = env;
  return () => {
    const child = spawn(file, [...args, 'sidecar-worker'], {
      stdio: ['ignore', 'inherit', logFd, 'ipc'],
      serialization: 'advanced',
      env: own,
    });
    return workerProcess(child);
  };
}

function workerProcess(child: ReturnType<ProcessStarter['spawn']>): WorkerProcess {
  return {
    pid: child.pid,
    send(message) {
      if (child.connected) child.send(message, () => {});
    },
    onMessage: (listener) => void child.on('message', listener),
    onEnd(listener) {
      const ends = new Set(['exit', 'disconnect']);
      let how = '';
      const end = (what: string): void => {
        ends.delete(what);
        // The last messages may come after the end.
        if (ends.size === 0) listener(how);
      };
      child.once('exit', (code, signal) => {
        how = signal ?? `exit ${code}`;
        end('exit');
      });
      child.once('disconnect', () => end('disconnect'));
      child.once('error', (error) => {
        if (child.pid !== undefined) return;
        how = error.message;
        end('exit');
        end('disconnect');
      });
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
