import { field } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import type { FilterDeps } from '../deps.ts';
import { IdleSweep, type Sweepable } from '../idle-sweep.ts';
import { DateHeader } from './date-header.ts';
import type { HttpSettings } from './settings.ts';
import { createHttpStats, type HttpStats } from './stats.ts';

/** What all connections and streams of one connection manager share. */
export class HttpContext {
  readonly settings: HttpSettings;
  readonly deps: FilterDeps;
  readonly stats: HttpStats;
  /** per_connection_buffer_limit_bytes of the listener. */
  readonly bufferLimit: number;
  readonly streams: IdleSweep<Sweepable>;
  readonly connections: IdleSweep<Sweepable>;
  readonly #date: DateHeader;
  readonly #server: Field;

  constructor(settings: HttpSettings, deps: FilterDeps, listener: { readonly address: string; readonly bufferLimit: number }) {
    this.settings = settings;
    this.deps = deps;
    this.bufferLimit = listener.bufferLimit;
    this.stats = createHttpStats(deps.metrics, settings.statPrefix, listener.address);
    this.streams = new IdleSweep(deps.clock, settings.streamIdleTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.connections = new IdleSweep(deps.clock, settings.connectionIdleTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.#date = new DateHeader(deps.clock);
    this.#server = field('server', settings.server.name);
  }

  /** A response's headers with what every response of this manager has: server, date, and the request's id if asked for. */
  withServerHeaders(headers: HeaderBlock, requestHeaders: HeaderBlock): HeaderBlock {
    const { server, requestId } = this.settings;
    const result: Field[] = [];
    let hasServer = false;
    let hasDate = false;
    for (const one of headers) {
      if (one.name === 'server') {
        if (server.mode === 'overwrite') continue;
        hasServer = true;
      } else if (one.name === 'date') hasDate = true;
      result.push(one);
    }
    if (!hasServer && server.mode !== 'pass-through') result.push(this.#server);
    if (!hasDate) result.push(this.#date.get());
    if (requestId.inResponse) {
      const id = requestHeaders.find(({ name }) => name === 'x-request-id');
      if (id) result.push(id);
    }
    return result;
  }
}
