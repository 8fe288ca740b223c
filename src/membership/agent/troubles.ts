import { codeOf, messageOf } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';

/** Why the bus is away may change while it is; reasons without end help nobody. */
const MAX_REASONS = 5;

/** Tells what is wrong with the bus once, however often it is met, and that it is over. */
export class Troubles {
  readonly #logger: Logger;
  readonly #told = new Set<string>();
  #isHeldTold = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `isAway`: the bus cannot be reached; otherwise somebody has to do something. */
  met(error: unknown, { isAway, isLeaving }: { readonly isAway: boolean; readonly isLeaving: boolean }): void {
    const reason = messageOf(error);
    if (isAway && isLeaving) this.#held(reason);
    if (this.#told.has(reason) || (isAway && this.#told.size >= MAX_REASONS)) return;
    this.#told.add(reason);
    if (!isAway) this.#logger.error('agent.refused', { code: codeOf(error) ?? '' }, reason);
    else if (!isLeaving)
      this.#logger.warn('agent.bus_unavailable', { reason }, 'the bus is away; traffic goes on, the ring hears of it later');
  }

  over(): void {
    if (this.#told.size > 0) this.#logger.info('agent.bus_recovered', {}, 'the bus takes what it is told again');
    this.#told.clear();
  }

  #held(reason: string): void {
    if (this.#isHeldTold) return;
    this.#isHeldTold = true;
    this.#logger.warn('agent.leave_held', { reason }, 'the bus is away: leaving the ring waits for it, no longer than the drain time');
  }
}
