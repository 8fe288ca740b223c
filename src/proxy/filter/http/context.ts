import type { FilterDeps } from '../deps.ts';
import { IdleSweep, type Sweepable } from '../idle-sweep.ts';
import { ResponseHeaders } from './response-headers.ts';
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
  readonly responseHeaders: ResponseHeaders;

  constructor(settings: HttpSettings, deps: FilterDeps, listener: { readonly address: string; readonly bufferLimit: number }) {
    this.settings = settings;
    this.deps = deps;
    this.bufferLimit = listener.bufferLimit;
    this.stats = createHttpStats(deps.metrics, settings.statPrefix, listener.address);
    this.streams = new IdleSweep(deps.clock, settings.streamIdleTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.connections = new IdleSweep(deps.clock, settings.connectionIdleTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.responseHeaders = new ResponseHeaders(settings, deps.clock);
  }
}
