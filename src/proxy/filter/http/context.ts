import { Http1Server } from '../../../http1/index.ts';
import type { FilterDeps } from '../deps.ts';
import { IdleSweep, type Sweepable } from '../idle-sweep.ts';
import { ResponseHeaders } from './response-headers.ts';
import type { HttpSettings } from './settings.ts';
import { createHttpStats, type HttpStats } from './stats.ts';

/** initial_stream_window_size where nothing is said. Ours is smaller, as credit is given while data moves on. */
const ENVOY_STREAM_WINDOW = 16_777_216;

/** What all connections and streams of one connection manager share. */
export class HttpContext {
  readonly settings: HttpSettings;
  readonly deps: FilterDeps;
  readonly stats: HttpStats;
  /** per_connection_buffer_limit_bytes of the listener. */
  readonly bufferLimit: number;
  /** Bytes of an HTTP/2 request that are kept for a second try unless its route says otherwise: what the peer may send of it at once. */
  readonly retryBufferLimit: number;
  readonly streams: IdleSweep<Sweepable>;
  readonly connections: IdleSweep<Sweepable>;
  /** Of HTTP/2 connections: that their answers are read. */
  readonly flushes: IdleSweep<Sweepable>;
  readonly responseHeaders: ResponseHeaders;
  #http1: Http1Server | undefined;

  constructor(settings: HttpSettings, deps: FilterDeps, listener: { readonly address: string; readonly bufferLimit: number }) {
    this.settings = settings;
    this.deps = deps;
    this.bufferLimit = listener.bufferLimit;
    this.retryBufferLimit = settings.http2.initialStreamWindowSize ?? ENVOY_STREAM_WINDOW;
    this.stats = createHttpStats(deps.metrics, settings.statPrefix, listener.address);
    this.streams = new IdleSweep(deps.clock, settings.streamIdleTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.connections = new IdleSweep(deps.clock, settings.connectionIdleTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.flushes = new IdleSweep(deps.clock, settings.streamFlushTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.responseHeaders = new ResponseHeaders(settings, deps.clock);
  }

  /** Made with the first connection that speaks HTTP/1.1. */
  get http1(): Http1Server {
    const { http1, http2 } = this.settings;
    const { maxHeaderListSize, maxHeaderFields, closeGraceMs } = http2;
    this.#http1 ??= new Http1Server({
      ...http1,
      ...(maxHeaderListSize === undefined ? {} : { maxHeaderListSize }),
      ...(maxHeaderFields === undefined ? {} : { maxHeaderFields }),
      ...(closeGraceMs === undefined ? {} : { closeGraceMs }),
      streamBufferLimit: this.bufferLimit,
      clock: this.deps.clock,
    });
    return this.#http1;
  }
}
