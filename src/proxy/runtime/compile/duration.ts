import type { Duration } from '../../../gen/google/protobuf/duration.ts';
import { refuse } from './support.ts';

/** Milliseconds, with a fraction; `fallbackMs` when absent. Throws CompileError for a negative one. */
export function durationMs(path: string, duration: Duration | undefined, fallbackMs: number): number {
  return optionalDurationMs(path, duration) ?? fallbackMs;
}

/** Milliseconds, or null when absent. Throws CompileError for a negative one, and for one longer than a timer can be (24.8 days). */
export function optionalDurationMs(path: string, duration: Duration | undefined): number | null {
  if (!duration) return null;
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  if (ms < 0 || ms > 0x7fff_ffff) refuse(path, `${ms / 1000} s is out of range (0 to 2147483 s)`);
  return ms;
}
