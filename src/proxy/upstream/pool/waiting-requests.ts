import type { Host, PoolOwner } from '../../cluster/index.ts';
import type { PoolFailure, StreamRequest } from '../../cluster/types.ts';

/** Requests that wait for a stream to one host, counted among the cluster's pending ones. */
export class WaitingRequests {
  readonly #host: Host;
  readonly #owner: PoolOwner;
  readonly #requests: StreamRequest[] = [];

  constructor(host: Host, owner: PoolOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  get length(): number {
    return this.#requests.length;
  }

  get first(): StreamRequest | undefined {
    return this.#requests[0];
  }

  /** True, and the request was told: max_requests of the cluster is met. */
  isOverflow(request: StreamRequest): boolean {
    if (this.#owner.breakers[request.priority].requests.canCreate) return false;
    this.#owner.stats.upstreamRqActiveOverflow.value += 1;
    request.onPoolFailure('overflow', '');
    return true;
  }

  /** False, and the request was told: max_pending_requests of the cluster is met. */
  add(request: StreamRequest): boolean {
    const { breakers, stats } = this.#owner;
    const { pendingRequests } = breakers[request.priority];
    if (!pendingRequests.canCreate) {
      stats.upstreamRqPendingOverflow.value += 1;
      request.onPoolFailure('overflow', '');
      return false;
    }
    pendingRequests.inc();
    stats.upstreamRqPendingTotal.value += 1;
    stats.upstreamRqPendingActive.value += 1;
    this.#host.rqPendingActive += 1;
    this.#requests.push(request);
    return true;
  }

  /** The first one, which waits no more. */
  take(): StreamRequest | undefined {
    const request = this.#requests.shift();
    if (request) this.#stopWaiting(request);
    return request;
  }

  /** Forgets a request; does nothing for one that does not wait. */
  remove(request: StreamRequest): void {
    const at = this.#requests.indexOf(request);
    if (at < 0) return;
    this.#requests.splice(at, 1);
    this.#stopWaiting(request);
  }

  /** None of those that wait now gets a stream: each decides for itself what to do. */
  fail(failure: PoolFailure, detail: string): void {
    for (const request of this.#requests.splice(0)) {
      this.#stopWaiting(request);
      request.onPoolFailure(failure, detail);
    }
  }

  #stopWaiting(request: StreamRequest): void {
    this.#owner.breakers[request.priority].pendingRequests.dec();
    this.#owner.stats.upstreamRqPendingActive.value -= 1;
    this.#host.rqPendingActive -= 1;
  }
}
