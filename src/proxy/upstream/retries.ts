import { Backoff, type Clock, type Random, type Timer } from '../../core/index.ts';
import type { HeaderBlock } from '../../http2/types.ts';
import type { Cluster } from '../cluster/index.ts';
import type { ForwardAction, RetryPolicy } from '../route/types.ts';
import type { TryFailure } from './failure.ts';
import { type ResponseFacts, retriesFailure, retriesRequest, retriesResponse, retryAfterMs } from './retry-rules.ts';

/** Whether another try will come; if not, the flag that says why. */
export type RetryVerdict = { readonly kind: 'scheduled' } | { readonly kind: 'refused'; readonly flag: 'URX' | 'UO' };

const SCHEDULED: RetryVerdict = { kind: 'scheduled' };
const USED_UP: RetryVerdict = { kind: 'refused', flag: 'URX' };
const OVERFLOW: RetryVerdict = { kind: 'refused', flag: 'UO' };

/** The tries one request has left: counts them, asks the cluster's circuit breaker, waits between them. */
export class Retries {
  readonly policy: RetryPolicy;
  readonly #clock: Clock;
  readonly #cluster: Cluster;
  readonly #priority: ForwardAction['priority'];
  readonly #random: Random;
  /** False: tries have their time limits, and no successors. */
  #allowed: boolean;
  #backoff: Backoff | undefined;
  #left: number;
  /** True while one retry of the breaker is ours. */
  #holds = false;
  #timer: Timer | undefined;

  constructor(
    policy: RetryPolicy,
    {
      cluster,
      priority,
      headers,
    }: { readonly cluster: Cluster; readonly priority: ForwardAction['priority']; readonly headers: HeaderBlock },
    deps: { readonly clock: Clock; readonly random: Random },
  ) {
    this.policy = policy;
    this.#priority = priority;
    this.#cluster = cluster;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#allowed = retriesRequest(policy, headers);
    this.#left = this.#allowed ? policy.numRetries : 0;
  }

  /** Tries that may still be taken. */
  get left(): number {
    return this.#left;
  }

  /** A try is waiting for its time. */
  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** The policy asks for another try after this failure; there may be none left. */
  wantsAfterFailure(failure: TryFailure, requestStarted: boolean): boolean {
    return this.#allowed && retriesFailure(this.policy, failure, requestStarted);
  }

  /** The policy asks for another try instead of this response. */
  wantsAfterResponse(facts: ResponseFacts, headers: HeaderBlock): boolean {
    return this.#allowed && retriesResponse(this.policy, facts, headers);
  }

  /** A try that is slow is not given up: another one starts beside it. */
  get hedges(): boolean {
    return this.policy.hedges;
  }

  /** There may be a hedge, or there might have been one but for the number of tries. */
  get mayHedge(): boolean {
    return this.policy.hedges && this.#allowed;
  }

  /** When the sender of a refused response wants to be asked again, in ms; undefined: the back-off decides. */
  afterMs(headers: HeaderBlock): number | undefined {
    const { rateLimitedBackoff } = this.policy;
    return rateLimitedBackoff ? retryAfterMs(rateLimitedBackoff, headers, this.#clock.nowMs()) : undefined;
  }

  /** Takes a try and calls `start` after the back-off, or after `afterMs`, the time the upstream itself has named, and up to half of it more. */
  schedule(start: () => void, afterMs?: number): RetryVerdict {
    const verdict = this.takeNow();
    if (verdict.kind === 'refused') return verdict;
    this.#timer = this.#clock.after(this.#delayMs(afterMs), () => {
      this.#timer = undefined;
      start();
    });
    return verdict;
  }

  /** Takes a try that starts at once. */
  takeNow(): RetryVerdict {
    this.#giveBack();
    const { stats, breakers } = this.#cluster;
    if (this.#left === 0) {
      stats.upstreamRqRetryLimitExceeded.value += 1;
      return USED_UP;
    }
    this.#left -= 1;
    if (!breakers[this.#priority].takeRetry()) return OVERFLOW;
    this.#holds = true;
    stats.upstreamRqRetry.value += 1;
    return SCHEDULED;
  }

  /** A response was taken that came of another try. */
  succeeded(): void {
    if (this.#holds) this.#cluster.stats.upstreamRqRetrySuccess.value += 1;
  }

  /** The request cannot be sent again: what is under way is all there will be. */
  forgo(): void {
    this.#allowed = false;
    this.#left = 0;
  }

  /** No more tries. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#giveBack();
  }

  #delayMs(afterMs: number | undefined): number {
    const { stats } = this.#cluster;
    if (afterMs !== undefined && afterMs > 1) {
      stats.upstreamRqRetryBackoffRatelimited.value += 1;
      return afterMs * (1 + this.#random() / 2);
    }
    stats.upstreamRqRetryBackoffExponential.value += 1;
    this.#backoff ??= new Backoff(this.policy.backoff, this.#random);
    return this.#backoff.nextMs();
  }

  #giveBack(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#cluster.breakers[this.#priority].retries.dec();
  }
}
