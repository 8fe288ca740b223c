// RFC 3339 and google.protobuf.Timestamp, without the system's calendar (and so without its time zone).
import { civilFromDays, daysFromCivil } from '../core/index.ts';
import type { Timestamp } from '../gen/google/protobuf/timestamp.ts';
import { fractionText } from './duration.ts';

const DAY_SECONDS = 86_400;

/** Reads `2026-01-02T03:04:05.6Z` or one with an offset; null when it is not one. */
export function parseTimestamp(text: string): Timestamp | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (!match) return null;
  const at = (index: number): number => Number(match[index] ?? '0');
  const [year, month, day, hour, minute, second] = [at(1), at(2), at(3), at(4), at(5), at(6)];
  const days = daysFromCivil(year, month, day);
  const [backYear, backMonth, backDay] = civilFromDays(days);
  if (year < 1 || backYear !== year || backMonth !== month || backDay !== day || hour > 23 || minute > 59 || second > 59) return null;
  const offset = (match[8] === '-' ? -1 : 1) * (at(9) * 3_600 + at(10) * 60);
  const seconds = days * DAY_SECONDS + hour * 3_600 + minute * 60 + second - offset;
  return { seconds: BigInt(seconds), nanos: Number((match[7] ?? '').padEnd(9, '0')) };
}

/** The JSON form, in UTC. */
export function formatTimestamp({ seconds, nanos }: Timestamp): string {
  const total = Number(seconds);
  const days = Math.floor(total / DAY_SECONDS);
  const rest = total - days * DAY_SECONDS;
  const [year, month, day] = civilFromDays(days);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(Math.floor(rest / 3_600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${time}${fractionText(nanos)}Z`;
}
