import { type Clock, httpDate } from '../../../core/index.ts';
import { field } from '../../../http2/index.ts';
import type { Field } from '../../../http2/types.ts';

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
      this.#field = field('date', httpDate(second * 1000));
    }
    return this.#field;
  }
}
