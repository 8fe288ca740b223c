// RFC 3339 and google.protobuf.Timestamp, without the system's calendar (and so without its time zone).
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

/** Days since 1970-01-01 in the Gregorian calendar; a year is counted from March, so that the leap day comes last. */
function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function civilFromDays(days: number): readonly [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth + (marchMonth < 10 ? 3 : -9);
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1];
}
