import type { Clock } from './clock.ts';

/**
 * A clock that is read once a turn of the event loop: requests ask for the time eight times, and all that happens in a turn happens, as far
 * as anybody can tell, when the turn began. Timers are `clock`'s and run by its own time. Not for whoever measures or waits within a turn.
 */
export function turnClock(clock: Clock, atTurnsEnd: (fn: () => void) => void): Clock {
  let isFresh = false;
  let nowMs = 0;
  let monotonicMs = 0;
  const expire = (): void => {
    isFresh = false;
  };
  const read = (): void => {
    isFresh = true;
    nowMs = clock.nowMs();
    monotonicMs = clock.monotonicMs();
    atTurnsEnd(expire);
  };
  return {
    nowMs() {
      if (!isFresh) read();
      return nowMs;
    },
    monotonicMs() {
      if (!isFresh) read();
      return monotonicMs;
    },
    after: (delayMs, fn, options) => clock.after(delayMs, fn, options),
  };
}
