import type { Duration } from '../gen/google/protobuf/duration.ts';

const LIMIT_SECONDS = 315_576_000_000n;

/** A Duration of milliseconds, a fraction included (to the nanosecond). */
export function durationOf(ms: number): Duration {
  const whole = Math.trunc(ms / 1_000);
  return { seconds: BigInt(whole), nanos: Math.round((ms - whole * 1_000) * 1e6) };
}

/** Milliseconds of a Duration; undefined stays undefined. */
export function durationMs(duration: Duration): number;
export function durationMs(duration: Duration | undefined): number | undefined;
export function durationMs(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}

/** Nanoseconds, for comparing exactly. */
export function durationNanos({ seconds, nanos }: Duration): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

/** Reads the JSON form, `1.5s`; null when it is not one or exceeds 10 000 years. */
export function parseDuration(text: string): Duration | null {
  const match = /^(-?)(\d{1,18})(?:\.(\d{1,9}))?s$/.exec(text);
  if (!match) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const seconds = BigInt(whole);
  if (seconds > LIMIT_SECONDS) return null;
  const nanos = Number(fraction.padEnd(9, '0'));
  return sign === '-' ? { seconds: -seconds, nanos: nanos === 0 ? 0 : -nanos } : { seconds, nanos };
}

/** The JSON form: `0.250s`, with no, 3, 6 or 9 digits after the point. */
export function formatDuration({ seconds, nanos }: Duration): string {
  const sign = seconds < 0n || nanos < 0 ? '-' : '';
  const whole = seconds < 0n ? -seconds : seconds;
  return `${sign}${whole}${fractionText(Math.abs(nanos))}s`;
}

/** `.250` and the like; '' for 0. */
export function fractionText(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  if (digits.endsWith('000000')) return `.${digits.slice(0, 3)}`;
  return digits.endsWith('000') ? `.${digits.slice(0, 6)}` : `.${digits}`;
}
