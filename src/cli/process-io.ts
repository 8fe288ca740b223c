import { codeOf, messageOf } from '../core/index.ts';
import { type CommandIo, EXIT, type Output } from './command.ts';

/** How long a supervised process may drain after its supervisor vanished. */
const ORPHAN_GRACE_MS = 5_000;

/**
 * The CommandIo of this process. Installs its signal handlers: the first SIGINT or SIGTERM aborts `signal`, a second SIGINT exits
 * with 130 at once. With RINGWAY_SUPERVISED set, losing the IPC channel counts as SIGTERM and, after a grace, ends the process.
 */
export function processIo(): CommandIo {
  const stop = new AbortController();
  const reloads = new Set<() => void>();
  process.on('SIGTERM', () => stop.abort('SIGTERM'));
  process.on('SIGINT', () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort('SIGINT');
  });
  process.on('SIGHUP', () => {
    if (reloads.size === 0) stop.abort('SIGHUP');
    for (const reload of reloads) reload();
  });
  if (process.env['RINGWAY_SUPERVISED']) followSupervisor(stop);
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    program: [process.execPath, ...process.execArgv, process.argv[1] as string],
    signal: stop.signal,
    onReload(listener) {
      reloads.add(listener);
      return () => {
        reloads.delete(listener);
      };
    },
  };
}

function followSupervisor(stop: AbortController): void {
  process.on('disconnect', () => {
    stop.abort('supervisor gone');
    setTimeout(() => process.exit(1), ORPHAN_GRACE_MS).unref();
  });
  if (!process.connected) stop.abort('supervisor gone');
  process.channel?.unref();
}

function outputOf(stream: NodeJS.WriteStream): Output {
  const closed = new AbortController();
  stream.on('error', (error) => closed.abort(error));
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined; // 0: a terminal that does not tell
    },
    closed: closed.signal,
    write(text) {
      if (!closed.signal.aborted) stream.write(text);
    },
  };
}

/**
 * Waits until all that was written is out. Resolves with the exit code: of one that says that all is well, 1 when stdout could not be
 * written. A reader that went away (`ringway ring show | head`) is no failure of ours.
 */
export async function finish(io: CommandIo, code: number): Promise<number> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))));
  const { reason } = io.stdout.closed;
  if (code !== EXIT.ok || !io.stdout.closed.aborted || codeOf(reason) === 'EPIPE') return code;
  io.stderr.write(`ringway: cannot write to stdout: ${messageOf(reason)}\n`);
  return EXIT.failed;
}
