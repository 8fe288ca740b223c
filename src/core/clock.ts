/** A timer that was armed; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as an argument: the system's in production, one that tests move by hand elsewhere. */
export interface Clock {
  /** Wall time in Unix milliseconds. */
  nowMs(): number;
  /** Milliseconds that never go back, with a fraction; only differences mean something. */
  monotonicMs(): number;
  /** Calls `fn` once after `delayMs` (≥ 0). The timer does not keep the process alive unless `keepAlive`. */
  after(delayMs: number, fn: () => void, options?: { readonly keepAlive?: boolean }): Timer;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn, options) {
    const timeout = setTimeout(fn, delayMs);
    if (!options?.keepAlive) timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** Unix milliseconds as ISO 8601 in UTC: `2026-11-21T11:36:05.000Z`. */
export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** Unix milliseconds as an HTTP date (RFC 9110 §5.6.7): `Sat, 21 Nov 2026 13:56:10 GMT`. */
export function httpDate(unixMs: number): string {
  return new Date(unixMs).toUTCString();
}

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects: check `signal.aborted`. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delayMs, done, { keepAlive: true });
    signal?.addEventListener('abort', done, { once: true });
  });
}
