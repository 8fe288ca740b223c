/**
 * What a producer says, newest first: a value that was not taken yet gives way to the next one. `produce` begins with the first `next`
 * and returns how to stop. When `signal` aborts the producer is stopped at once, read from or not, and the stream ends when that is
 * done; so it does when the reader goes away.
 */
export async function* follow<T extends object>(
  signal: AbortSignal,
  produce: (put: (value: T) => void) => () => Promise<void>,
): AsyncGenerator<T, void, undefined> {
  if (signal.aborted) return;
  let waiting: T | null = null;
  let stopped: Promise<void> | null = null;
  let wake = (): void => {};
  const stop = produce((value) => {
    waiting = value;
    wake();
  });
  const stopOnce = (): Promise<void> => {
    stopped ??= stop();
    wake();
    return stopped;
  };
  const take = (): T | null => {
    const value = waiting;
    waiting = null;
    return value;
  };

  signal.addEventListener('abort', stopOnce, { once: true });
  try {
    while (!signal.aborted) {
      const value = take();
      if (value !== null) yield value;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    signal.removeEventListener('abort', stopOnce);
    await stopOnce();
  }
}
