import type { Clock } from './clock.ts';

/** A request that is under way needs several turns, and each of them waits for a slice. */
const SLICE_MS = 1;

/** Shares the event loop: long work asks between its steps whether others should have a turn. */
export interface TimeSlices {
  /** null while the slice lasts; then a promise that resolves in a later turn of the event loop, where the next slice begins. */
  pause(): Promise<void> | null;
}

/** Slices of 1 ms. `nextTurn` resolves in a later turn of the event loop; by setImmediate unless given. */
export function timeSlices(clock: Pick<Clock, 'monotonicMs'>, nextTurn: () => Promise<void> = immediate): TimeSlices {
  let endsMs = clock.monotonicMs() + SLICE_MS;
  const begin = (): void => {
    endsMs = clock.monotonicMs() + SLICE_MS;
  };
  return { pause: () => (clock.monotonicMs() < endsMs ? null : nextTurn().then(begin)) };
}

/** Runs `steps` to their end, a slice at a time. Resolves with what they return, rejects with what they throw. */
export async function inSlices<T>(slices: TimeSlices, steps: Iterator<unknown, T>): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    const pause = slices.pause();
    if (pause !== null) await pause;
  }
}

/** Runs `steps` to their end at once. */
export function allAtOnce<T>(steps: Iterator<unknown, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

function immediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
