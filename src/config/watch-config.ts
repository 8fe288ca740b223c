import { isDeepStrictEqual } from 'node:util';
import { type Clock, RingwayError } from '../core/index.ts';
import { loadConfig } from './load.ts';
import type { RingwayConfig } from './types.ts';
import { watchFile } from './watch-file.ts';

/** Who is told of a changed file. */
export interface ConfigListener {
  /** The file is good and means something else than what is in use; it is in use from now on. */
  readonly onConfig: (config: RingwayConfig) => void;
  /** The file is bad or gone: what is in use stays in use. The same error is not repeated. */
  readonly onError: (error: RingwayError) => void;
}

/** A configuration file under watch. */
export interface ConfigWatch {
  /** Reads the file now (SIGHUP); the same error is told again. Resolves when the listener has been told, if there is news. */
  reload(): Promise<void>;
  close(): void;
}

/** Watches ringway.yaml. `inUse` is what was read from it before. Reads one at a time. */
export function watchConfig(file: string, inUse: RingwayConfig, clock: Clock, listener: ConfigListener): ConfigWatch {
  let current = inUse;
  let told: string | null = null;
  let closed = false;
  let reading = Promise.resolve();

  const read = async (): Promise<void> => {
    const outcome = await attempt(file);
    if (closed) return;
    if (outcome instanceof RingwayError) {
      if (outcome.message !== told) listener.onError(outcome);
      told = outcome.message;
      return;
    }
    told = null;
    if (isDeepStrictEqual(outcome, current)) return;
    current = outcome;
    listener.onConfig(outcome);
  };
  const enqueue = (): Promise<void> => {
    reading = reading.then(read);
    return reading;
  };
  const watch = watchFile(file, clock, () => void enqueue());
  return {
    reload: () => {
      told = null;
      return enqueue();
    },
    close: () => {
      closed = true;
      watch.close();
    },
  };
}

async function attempt(file: string): Promise<RingwayConfig | RingwayError> {
  try {
    return await loadConfig(file);
  } catch (error) {
    if (error instanceof RingwayError) return error;
    throw error;
  }
}
