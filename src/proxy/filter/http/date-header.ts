import type { Clock } from '../../../core/index.ts';
import { field } from '../../../http2/index.ts';
import type { Field } from '../../../http2/types.ts';

const PARTS = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  weekday: 'short',
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** `date` of a response (RFC 9110 §6.6.1), made once a second. */
export class DateHeader {
  readonly #clock: Clock;
  #second = Number.NaN;
  #field: Field = field('date', '');

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(): Field {
    const second = Math.floor(this.#clock.nowMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#field = field('date', formatHttpDate(second * 1000));
    }
    return this.#field;
  }
}

/** `Sat, 21 Nov 2026 13:56:10 GMT`. */
function formatHttpDate(unixMs: number): string {
  const parts = new Map(PARTS.formatToParts(unixMs).map(({ type, value }) => [type, value]));
  const [weekday, day, month, year] = ['weekday', 'day', 'month', 'year'].map((type) => parts.get(type as Intl.DateTimeFormatPartTypes));
  return `${weekday}, ${day} ${month} ${year} ${parts.get('hour')}:${parts.get('minute')}:${parts.get('second')} GMT`;
}
