import type { CommandIo, Output } from './command.ts';

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
  // A reader that went away (`ringway ring show | head`) is no failure of ours.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined; // 0: a terminal that does not tell
    },
    write(text) {
      stream.write(text);
    },
  };
}
