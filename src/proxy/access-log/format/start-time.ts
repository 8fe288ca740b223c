import { civilFromDays } from '../../../core/index.ts';
import { refuse } from '../../runtime/compile/index.ts';

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const MS_PER_DAY = 86_400_000;
const MILLISECONDS: readonly string[] = Array.from({ length: 1000 }, (_, ms) => pad(ms, 3));

/** A moment taken apart in UTC. */
interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly unixMs: number;
  readonly msOfDay: number;
}

/** strftime conversions; Envoy's own `%f` and `%3f` beside them. Times are UTC. */
const CONVERSIONS: Readonly<Record<string, (moment: Moment) => string>> = {
  '%Y': ({ year }) => pad(year, 4),
  '%y': ({ year }) => pad(year % 100),
  '%m': ({ month }) => pad(month),
  '%b': ({ month }) => MONTHS[month - 1] ?? '',
  '%d': ({ day }) => pad(day),
  '%H': ({ msOfDay }) => pad(Math.floor(msOfDay / 3_600_000)),
  '%M': ({ msOfDay }) => pad(Math.floor(msOfDay / 60_000) % 60),
  '%S': ({ msOfDay }) => pad(Math.floor(msOfDay / 1000) % 60),
  '%F': (moment) => dateOf(moment),
  '%T': (moment) => timeOf(moment),
  '%s': ({ unixMs }) => String(Math.floor(unixMs / 1000)),
  '%3f': ({ msOfDay }) => pad(msOfDay % 1000, 3),
  '%6f': ({ msOfDay }) => `${pad(msOfDay % 1000, 3)}000`,
  '%9f': ({ msOfDay }) => `${pad(msOfDay % 1000, 3)}000000`,
  '%f': ({ msOfDay }) => `${pad(msOfDay % 1000, 3)}000000`,
  '%z': () => '+0000',
  '%Z': () => 'UTC',
  '%%': () => '%',
};

/** %START_TIME% without arguments: `2026-11-21T13:56:10.123Z`. All but the milliseconds is worked out once a second, and a moment's text once. */
export function isoTime(): (unixMs: number) => string {
  let second = Number.NaN;
  let upToSecond = '';
  let lastMs = Number.NaN;
  let last = '';
  return (unixMs) => {
    if (unixMs === lastMs) return last;
    const now = Math.floor(unixMs / 1000);
    if (now !== second) {
      second = now;
      const moment = momentOf(unixMs);
      upToSecond = `${dateOf(moment)}T${timeOf(moment)}.`;
    }
    lastMs = unixMs;
    last = `${upToSecond}${MILLISECONDS[Math.floor(unixMs) - now * 1000]}Z`;
    return last;
  };
}

/** %START_TIME(format)%. Throws CompileError for a conversion that is not known. */
export function compileTimeFormat(path: string, format: string): (unixMs: number) => string {
  const parts = format.split(/(%\d?[A-Za-z%])/).map((text, i) => {
    if (i % 2 === 0) return () => text;
    return CONVERSIONS[text] ?? refuse(path, `"${text}" is not supported in a time format (only ${Object.keys(CONVERSIONS).join(' ')})`);
  });
  return (unixMs) => {
    const moment = momentOf(unixMs);
    return parts.map((part) => part(moment)).join('');
  };
}

function dateOf({ year, month, day }: Moment): string {
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
}

function timeOf({ msOfDay }: Moment): string {
  return `${pad(Math.floor(msOfDay / 3_600_000))}:${pad(Math.floor(msOfDay / 60_000) % 60)}:${pad(Math.floor(msOfDay / 1000) % 60)}`;
}

function momentOf(unixMs: number): Moment {
  const days = Math.floor(unixMs / MS_PER_DAY);
  const [year, month, day] = civilFromDays(days);
  return { year, month, day, unixMs, msOfDay: Math.floor(unixMs) - days * MS_PER_DAY };
}
