import { Backoff, type Clock, type Random, type Timer } from '../../core/index.ts';
import type { Cluster } from '../cluster/index.ts';
import type { HostSelection } from '../cluster/types.ts';
import type { ForwardAction, RetryPolicy } from '../route/types.ts';

/** Whether another try will come; if not, the flag that says why. */
export type RetryVerdict = { readonly kind: 'scheduled' } | { readonly kind: 'refused'; readonly flag: 'URX' | 'UO' };

const SCHEDULED: RetryVerdict = { kind: 'scheduled' };
const NO_SELECTION: HostSelection = { previousPrioritiesEvery: 0, avoidPreviousHosts: false, maxAttempts: 1 };

/** The tries one request has left: counts them, asks the cluster's circuit breaker, waits between them. */
export class Retries {
  readonly policy: RetryPolicy | null;
  readonly #clock: Clock;
  readonly #cluster: Cluster;
  readonly #priority: ForwardAction['priority'];
  readonly #random: Random;
  #backoff: Backoff | undefined;
  #left: number;
  /** True while one retry of the breaker is ours. */
  #holds = false;
  #timer: Timer | undefined;

  constructor(action: ForwardAction, cluster: Cluster, deps: { readonly clock: Clock; readonly random: Random }) {
    this.policy = action.retry;
    this.#priority = action.priority;
    this.#cluster = cluster;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#left = action.retry?.numRetries ?? 0;
  }

  get selection(): HostSelection {
    return this.policy?.selection ?? NO_SELECTION;
  }

  /** A try is waiting for its time. */
  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** Takes a try and calls `start` after the back-off. */
  schedule(start: () => void): RetryVerdict {
    const verdict = this.takeNow();
    if (verdict.kind === 'refused' || !this.policy) return verdict;
    this.#backoff ??= new Backoff(this.policy.backoff, this.#random);
    this.#cluster.stats.upstreamRqRetryBackoffExponential.value += 1;
    this.#timer = this.#clock.after(this.#backoff.nextMs(), () => {
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
      return { kind: 'refused', flag: 'URX' };
    }
    this.#left -= 1;
    if (!breakers[this.#priority].takeRetry()) return { kind: 'refused', flag: 'UO' };
    this.#holds = true;
    stats.upstreamRqRetry.value += 1;
    return SCHEDULED;
  }

  /** A response was taken that came of another try. */
  succeeded(): void {
    if (this.#holds) this.#cluster.stats.upstreamRqRetrySuccess.value += 1;
  }

  /** No more tries. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#giveBack();
  }

  #giveBack(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#cluster.breakers[this.#priority].retries.dec();
  }
}
