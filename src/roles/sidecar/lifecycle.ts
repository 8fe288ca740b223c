import type { ServerState } from '../../proxy/admin/types.ts';
import type { Phase } from '../../proxy/runtime/index.ts';

const STATES: Readonly<Record<Phase, ServerState>> = { clusters: 'PRE_INITIALIZING', listeners: 'INITIALIZING', live: 'LIVE' };

/** What the sidecar says of itself: where its start is, until it drains or an operator says that it is not well. */
export class Lifecycle {
  readonly #phase: () => Phase;
  #isDraining = false;
  #isFailed = false;

  constructor(phase: () => Phase) {
    this.#phase = phase;
  }

  get state(): ServerState {
    return this.#isDraining || this.#isFailed ? 'DRAINING' : STATES[this.#phase()];
  }

  /** The end has begun; it never goes back. */
  drain(): void {
    this.#isDraining = true;
  }

  /** `/healthcheck/fail`, `/healthcheck/ok`. */
  fail(isFailed: boolean): void {
    this.#isFailed = isFailed;
  }
}
