import { type Clock, httpDate } from '../../../core/index.ts';
import { field } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import { mutateHeaders } from '../../route/index.ts';
import type { Route } from '../../route/types.ts';
import { Role, roleOf } from './header-roles.ts';
import type { HttpSettings } from './settings.ts';

/** What a response's headers are made of, beside the upstream's. */
export interface ResponseOrigin {
  /** Whose changes apply; undefined when no route was found. */
  readonly route: Route | undefined;
  /** x-envoy-upstream-service-time in whole milliseconds; -1: not written, as for answers of our own. */
  readonly serviceMs: number;
  /** x-envoy-attempt-count; 0: not written. */
  readonly attempts: number;
}

/** What was made of a block lately. */
interface Made {
  readonly from: HeaderBlock;
  readonly route: Route | undefined;
  readonly serviceMs: number;
  readonly attempts: number;
  readonly date: Field;
  readonly result: HeaderBlock;
}

const NONE: Route['responseHeaders'] = [];
/** A few methods' responses, each with some service times. */
const PLACES = 8;
/** The fields that say how long an upstream took, for the times that are most common. */
const SERVICE_TIMES: readonly Field[] = Array.from({ length: 256 }, (_, ms) => serviceTime(ms));

/**
 * Responses' headers with what every response of a connection manager has: Envoy's own, what the route changes, server, date, and the
 * request's id if asked for. The same block, of the same route, time and second, gives the same block again, by which the encoder knows it.
 */
export class ResponseHeaders {
  readonly #settings: HttpSettings;
  readonly #clock: Clock;
  readonly #server: Field;
  readonly #made: Made[] = [];
  #next = 0;
  #second = Number.NaN;
  #date: Field = field('date', '');

  constructor(settings: HttpSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#server = field('server', settings.server.name);
  }

  complete(headers: HeaderBlock, origin: ResponseOrigin, requestHeaders: HeaderBlock): HeaderBlock {
    const date = this.#today();
    const { route, serviceMs, attempts } = origin;
    for (let index = 0; index < this.#made.length; index += 1) {
      const made = this.#made[index]!;
      if (made.from === headers && made.serviceMs === serviceMs && made.route === route && made.date === date && made.attempts === attempts)
        return this.#withId(made.result, requestHeaders);
    }
    const result = this.#make(headers, origin, date);
    this.#made[this.#next] = { from: headers, route, serviceMs, attempts, date, result };
    this.#next = (this.#next + 1) % PLACES;
    return this.#withId(result, requestHeaders);
  }

  #make(headers: HeaderBlock, { route, serviceMs, attempts }: ResponseOrigin, date: Field): HeaderBlock {
    const { mode } = this.#settings.server;
    const fields: Field[] = [];
    for (const one of headers) if (serviceMs < 0 || roleOf(one.fieldName) !== Role.SERVICE_TIME) fields.push(one);
    if (serviceMs >= 0) fields.push(SERVICE_TIMES[serviceMs] ?? serviceTime(serviceMs));
    if (attempts > 0) fields.push(field('x-envoy-attempt-count', String(attempts)));
    const result: Field[] = [];
    let hasServer = false;
    let hasDate = false;
    for (const one of mutateHeaders(fields, route?.responseHeaders ?? NONE)) {
      const role = roleOf(one.fieldName);
      if (role === Role.SERVER) {
        if (mode === 'overwrite') continue;
        hasServer = true;
      } else if (role === Role.DATE) hasDate = true;
      result.push(one);
    }
    if (!hasServer && mode !== 'pass-through') result.push(this.#server);
    if (!hasDate) result.push(date);
    return result;
  }

  #withId(headers: HeaderBlock, requestHeaders: HeaderBlock): HeaderBlock {
    if (!this.#settings.requestId.inResponse) return headers;
    const id = requestHeaders.find(({ fieldName }) => roleOf(fieldName) === Role.REQUEST_ID);
    return id ? [...headers, id] : headers;
  }

  /** `date` (RFC 9110 §6.6.1), made once a second. */
  #today(): Field {
    const second = Math.floor(this.#clock.nowMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = field('date', httpDate(second * 1000));
    }
    return this.#date;
  }
}

function serviceTime(ms: number): Field {
  return field('x-envoy-upstream-service-time', String(ms));
}
