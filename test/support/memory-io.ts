import { join } from 'node:path';
import type { CommandIo, Output } from '../../src/cli/command.ts';

/** A CommandIo that keeps what is written, for running a command inside a test. */
export interface MemoryIo extends CommandIo {
  readonly written: { stdout: string; stderr: string };
  /** As SIGTERM would. */
  stop(): void;
  /** As when the reader of both outputs goes away. */
  close(): void;
  /** As SIGHUP would. */
  reload(): void;
}

export function memoryIo(env: Readonly<Record<string, string>> = {}): MemoryIo {
  const written = { stdout: '', stderr: '' };
  const [stop, closed] = [new AbortController(), new AbortController()];
  const reloads = new Set<() => void>();
  const output = (name: 'stdout' | 'stderr'): Output => ({
    isTTY: false,
    columns: undefined,
    closed: closed.signal,
    write: (text) => {
      written[name] += text;
    },
  });
  return {
    written,
    stdout: output('stdout'),
    stderr: output('stderr'),
    env,
    program: [process.execPath, join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')],
    signal: stop.signal,
    onReload(listener) {
      reloads.add(listener);
      return () => reloads.delete(listener);
    },
    stop: () => stop.abort('SIGTERM'),
    close: () => closed.abort(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    reload: () => {
      for (const listener of reloads) listener();
    },
  };
}
