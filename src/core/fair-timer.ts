import type { Clock, Timer } from './clock.ts';

/** Later than this part of its time means that this process stood still, not that somebody else did. */
const LATE = 0.25;
/** Long enough for the event loop to read what has come meanwhile. */
const GRACE_MS = 1;

/**
 * Calls `onTimeout` after `ms`, for a time that somebody else is given. When this process was held up itself (garbage, a busy machine),
 * what it waits for may lie unread in sockets: then it looks once more after they were read, so that a stall of ours blames nobody.
 */
export function startFairTimer(clock: Clock, ms: number, onTimeout: () => void): Timer {
  const dueMs = clock.monotonicMs() + ms;
  let timer = clock.after(ms, () => {
    if (clock.monotonicMs() - dueMs <= ms * LATE) onTimeout();
    else timer = clock.after(GRACE_MS, onTimeout);
  });
  return { cancel: () => timer.cancel() };
}
