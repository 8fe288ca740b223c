import type { HeaderBlock } from '../../http2/types.ts';
import type { ResponseFlag } from './flags.ts';

/**
 * What is known of one request or TCP connection, filled while it runs. Plain fields: the hot path writes, access logs read at the end.
 * Times are milliseconds of the monotonic clock unless said otherwise.
 */
export class RequestRecord {
  /** Wall time, Unix ms. */
  readonly startedAtMs: number;
  readonly startMs: number;
  /** Last byte of the request came; undefined before. */
  requestEndMs: number | undefined = undefined;
  /** First byte of the response came from the upstream. */
  responseStartMs: number | undefined = undefined;
  /** The last byte went out, or it was over otherwise. */
  endMs: number | undefined = undefined;
  /** `HTTP/2`; undefined for TCP. */
  protocol: string | undefined = undefined;
  /** As sent to the upstream. */
  requestHeaders: HeaderBlock = [];
  /** As sent to the caller. */
  responseHeaders: HeaderBlock = [];
  responseTrailers: HeaderBlock = [];
  isGrpc = false;
  /** HTTP status; 0 when none was sent. */
  responseCode = 0;
  /** Why the response is what it is (`via_upstream`, `route_not_found`, …); '' when nobody said. */
  details = '';
  /** Body bytes from the caller. */
  bytesReceived = 0;
  /** Body bytes to the caller. */
  bytesSent = 0;
  /** ip:port; undefined when there was none. */
  upstreamHost: string | undefined = undefined;
  upstreamCluster: string | undefined = undefined;
  upstreamFailure: string | undefined = undefined;
  attempts = 0;
  routeName = '';
  virtualHost = '';
  readonly downstreamRemote: string;
  readonly downstreamLocal: string;
  #flags = '';

  constructor(
    times: { readonly startedAtMs: number; readonly startMs: number },
    peer: { readonly remote: string; readonly local: string },
  ) {
    this.startedAtMs = times.startedAtMs;
    this.startMs = times.startMs;
    this.downstreamRemote = peer.remote;
    this.downstreamLocal = peer.local;
  }

  /** Flags in the order they were set, joined by commas; '' for none. */
  get flags(): string {
    return this.#flags;
  }

  setFlag(flag: ResponseFlag): void {
    if (this.#flags === '') this.#flags = flag;
    else if (!this.#flags.split(',').includes(flag)) this.#flags += `,${flag}`;
  }
}
