import type { Counter, Gauge, StatScope } from '../../telemetry/index.ts';
import type { BreakerLimits, RequestPriority } from './types.ts';

/**
 * What of one resource is in use, and how much may be. `open` gauges say whether the limit is met; `remaining` ones only exist
 * with track_remaining.
 */
export class Resource {
  readonly max: number;
  #active = 0;
  readonly #open: Gauge;
  readonly #remaining: Gauge | undefined;

  constructor(max: number, open: Gauge, remaining: Gauge | undefined) {
    this.max = max;
    this.#open = open;
    this.#remaining = remaining;
    this.#show();
  }

  get active(): number {
    return this.#active;
  }

  get canCreate(): boolean {
    return this.#active < this.max;
  }

  inc(): void {
    this.#active += 1;
    this.#show();
  }

  dec(): void {
    this.#active -= 1;
    this.#show();
  }

  #show(): void {
    this.#open.value = this.#active < this.max ? 0 : 1;
    if (this.#remaining) this.#remaining.value = Math.max(0, this.max - this.#active);
  }
}

/** The circuit breaker of one routing priority of one cluster. */
export class CircuitBreaker {
  readonly limits: BreakerLimits;
  readonly connections: Resource;
  readonly pendingRequests: Resource;
  readonly requests: Resource;
  readonly retries: Resource;
  /** `upstream_rq_retry_overflow`. */
  readonly #retryOverflow: Counter;

  constructor(limits: BreakerLimits, priority: RequestPriority, scope: StatScope) {
    this.limits = limits;
    const resource = (max: number, open: string, remaining: string): Resource =>
      new Resource(
        max,
        scope.gauge(`circuit_breakers.${priority}.${open}`),
        limits.trackRemaining ? scope.gauge(`circuit_breakers.${priority}.${remaining}`) : undefined,
      );
    this.connections = resource(limits.maxConnections, 'cx_open', 'remaining_cx');
    this.pendingRequests = resource(limits.maxPendingRequests, 'rq_pending_open', 'remaining_pending');
    this.requests = resource(limits.maxRequests, 'rq_open', 'remaining_rq');
    this.retries = resource(limits.retryBudget ? Number.POSITIVE_INFINITY : limits.maxRetries, 'rq_retry_open', 'remaining_retries');
    this.#retryOverflow = scope.counter('upstream_rq_retry_overflow');
  }

  /** Takes one retry out of the budget; false, and counted, when there is none. Give it back with `retries.dec()`. */
  takeRetry(): boolean {
    if (this.retries.active >= this.#maxRetries()) {
      this.#retryOverflow.value += 1;
      return false;
    }
    this.retries.inc();
    return true;
  }

  #maxRetries(): number {
    const budget = this.limits.retryBudget;
    if (!budget) return this.limits.maxRetries;
    const active = this.requests.active + this.pendingRequests.active;
    return Math.max(budget.minRetries, Math.floor((budget.percent * active) / 100));
  }
}
