import { type Clock, startFairTimer, type Timer } from '../../core/index.ts';
import { ErrorCode, statusOf } from '../../http2/index.ts';
import type { HeaderBlock, Http2Stream, StreamHandler, StreamReset } from '../../http2/types.ts';
import type { Cluster, Host } from '../cluster/index.ts';
import type { HostPool, PoolFailure, RequestPriority, StreamRequest } from '../cluster/types.ts';
import { failureOf, type TryFailure } from './failure.ts';
import { IdleTimer } from './idle-timer.ts';
import type { BodyReader } from './request-body.ts';

/** What a try tells the request it belongs to. */
export interface AttemptOwner {
  onAttemptReady(attempt: Attempt, stream: Http2Stream): void;
  onAttemptHeaders(attempt: Attempt, headers: HeaderBlock, endStream: boolean): void;
  onAttemptData(attempt: Attempt, chunk: Buffer, endStream: boolean): void;
  onAttemptTrailers(attempt: Attempt, trailers: HeaderBlock): void;
  /** It is over without a whole response. `detail` is for people. */
  onAttemptFailed(attempt: Attempt, failure: TryFailure, detail: string): void;
  onAttemptDrain(attempt: Attempt): void;
  /** Its response did not begin in `perTryMs`; it goes on until it is cancelled. */
  onAttemptTimeout(attempt: Attempt): void;
  /** As `onAttemptTimeout`: nothing came from its host for `idleMs`. */
  onAttemptIdle(attempt: Attempt): void;
}

/** One try at one host: waits for a stream, then is its handler. Counts itself among the cluster's and the host's requests. */
export class Attempt implements StreamRequest, StreamHandler, BodyReader {
  readonly host: Host;
  readonly priority: RequestPriority;
  /** Another try was started in its place: its own failure asks for none. */
  isReplaced = false;
  /** It was slow: outlier detection knows already. */
  isTimedOut = false;
  requestEnded = false;
  position = 0;
  isBlocked = false;
  #stream: Http2Stream | undefined;
  readonly #cluster: Cluster;
  readonly #owner: AttemptOwner;
  #state: 'new' | 'waiting' | 'open' | 'over' = 'new';
  #pool: HostPool | undefined;
  #perTryTimer: Timer | undefined;
  #idleTimer: IdleTimer | undefined;

  constructor(cluster: Cluster, host: Host, priority: RequestPriority, owner: AttemptOwner) {
    this.#cluster = cluster;
    this.host = host;
    this.priority = priority;
    this.#owner = owner;
  }

  /** The pool gives a stream's events to it. */
  get handler(): StreamHandler {
    return this;
  }

  /** The stream while it is open. */
  get stream(): Http2Stream | undefined {
    return this.#state === 'open' ? this.#stream : undefined;
  }

  /** It had a stream: the upstream may have seen the request. */
  get hasStarted(): boolean {
    return this.#stream !== undefined;
  }

  start(): void {
    this.#state = 'waiting';
    this.#pool = this.#cluster.poolOf(this.host);
    this.#pool.open(this);
  }

  /** Its own times begin, unless they have or it has no stream; null: no limit. Its owner is told of one at most. */
  arm(clock: Clock, perTryMs: number | null, idleMs: number | null): void {
    if (this.#state !== 'open' || this.#perTryTimer || this.#idleTimer) return;
    if (perTryMs !== null) {
      this.#perTryTimer = startFairTimer(clock, perTryMs, () => {
        this.#idleTimer?.cancel();
        this.#owner.onAttemptTimeout(this);
      });
    }
    if (idleMs !== null) {
      this.#idleTimer = new IdleTimer(clock, idleMs, () => {
        this.#perTryTimer?.cancel();
        this.#owner.onAttemptIdle(this);
      });
    }
  }

  /** Ends it without a word to its owner. */
  cancel(code: number = ErrorCode.CANCEL): void {
    const state = this.#state;
    if (state === 'over' || state === 'new') return;
    if (state === 'waiting') this.#pool?.cancel(this);
    if (state === 'open') {
      this.#stream?.reset(code);
      this.#cluster.stats.upstreamRqTxReset.value += 1;
    }
    this.#finish();
  }

  onReady(stream: Http2Stream): void {
    this.#stream = stream;
    this.#state = 'open';
    const { stats, breakers } = this.#cluster;
    breakers[this.priority].requests.inc();
    stats.upstreamRqTotal.value += 1;
    stats.upstreamRqActive.value += 1;
    this.host.rqTotal += 1;
    this.host.rqActive += 1;
    this.host.monitor?.onConnected();
    this.#owner.onAttemptReady(this, stream);
  }

  onPoolFailure(failure: PoolFailure, detail: string): void {
    if (this.#state !== 'waiting') return;
    this.#finish();
    if (failure !== 'overflow') {
      this.host.rqError += 1;
      this.host.monitor?.onFailure('connection');
    }
    this.#owner.onAttemptFailed(this, failure, detail);
  }

  onHeaders(headers: HeaderBlock, endStream: boolean): void {
    if (this.#state === 'over') return;
    this.#perTryTimer?.cancel();
    this.#idleTimer?.touch();
    if (endStream) this.#responseEnded();
    this.#owner.onAttemptHeaders(this, headers, endStream);
  }

  /** Counted; what the caller is told is the final response. */
  onInformational(headers: HeaderBlock): void {
    if (this.#state === 'over') return;
    this.#idleTimer?.touch();
    this.#cluster.stats.upstreamRq.record(statusOf(headers));
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#state === 'over') return;
    this.#idleTimer?.touch();
    if (endStream) this.#responseEnded();
    this.#owner.onAttemptData(this, chunk, endStream);
  }

  onTrailers(trailers: HeaderBlock): void {
    if (this.#state === 'over') return;
    this.#responseEnded();
    this.#owner.onAttemptTrailers(this, trailers);
  }

  onReset(reset: StreamReset): void {
    if (this.#state === 'over') return;
    this.#finish();
    const failure = failureOf(reset);
    if (failure === 'remote reset') this.#cluster.stats.upstreamRqRxReset.value += 1;
    if (failure === 'protocol error') this.#cluster.stats.upstreamRqTxReset.value += 1;
    this.host.rqError += 1;
    this.host.monitor?.onFailure('connection');
    this.#owner.onAttemptFailed(this, failure, '');
  }

  onDrain(): void {
    if (this.#state === 'over') return;
    this.isBlocked = false;
    this.#owner.onAttemptDrain(this);
  }

  /** The response is whole. A request that has not ended is of no more use. */
  #responseEnded(): void {
    const stream = this.#stream;
    this.#finish();
    if (this.requestEnded || !stream) return;
    stream.reset(ErrorCode.CANCEL);
    this.#cluster.stats.upstreamRqTxReset.value += 1;
  }

  #finish(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'over';
    this.#perTryTimer?.cancel();
    this.#idleTimer?.cancel();
    if (!wasOpen) return;
    this.#cluster.breakers[this.priority].requests.dec();
    this.#cluster.stats.upstreamRqActive.value -= 1;
    this.host.rqActive -= 1;
  }
}
