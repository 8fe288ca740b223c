import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Timer } from '../core/index.ts';

/** Several events of one write count as one change. */
const SETTLE_MS = 100;
/** How long until a directory that cannot be watched is tried again. */
const REARM_MS = 1000;

/** A watch that runs; `close` may be called twice. */
export interface FileWatch {
  close(): void;
}

/**
 * Calls `onChange` when the file may have changed; the caller reads it and compares. Its directory is watched, since editors and
 * Kubernetes replace files (and links in the path) rather than write them; a directory that is not there yet is tried each second.
 */
export function watchFile(file: string, clock: Clock, onChange: () => void): FileWatch {
  let watcher: FSWatcher | null = null;
  let timer: Timer | null = null;
  let closed = false;

  const schedule = (delayMs: number, then: () => void): void => {
    timer?.cancel();
    timer = clock.after(delayMs, then);
  };
  const changed = (): void => {
    if (!closed) onChange();
  };
  const rearm = (): void => {
    watcher?.close();
    watcher = null;
    if (!closed) schedule(REARM_MS, () => arm(true));
  };
  const arm = (again: boolean): void => {
    if (closed) return;
    try {
      watcher = watch(dirname(file), (_event, name) => {
        if (concerns(file, name)) schedule(SETTLE_MS, changed);
      });
      watcher.on('error', rearm);
      if (again) changed();
    } catch {
      rearm();
    }
  };

  arm(false);
  return {
    close: () => {
      closed = true;
      timer?.cancel();
      watcher?.close();
    },
  };
}

/** `..data` is the link that Kubernetes swaps under the files of a ConfigMap. */
function concerns(file: string, name: string | null): boolean {
  return name === null || name === basename(file) || name.startsWith('..');
}
