import { type Clock, Observable, type ReadonlyObservable, sleep } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { JOINING, nextReadiness, type Readiness } from './readiness.ts';
import type { HealthAnswer, LiveStoreProbe } from './types.ts';

/** Between two checks: while all is well, and while something is awaited. */
const STEADY_MS = 2_000;
const WAITING_MS = 1_000;

/** Asks a live-store again and again, and says where it is. */
export class HealthWatch {
  readonly #probe: LiveStoreProbe;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #readiness = new Observable<Readiness>(JOINING);
  readonly #stop = new AbortController();
  #told = '';

  constructor(probe: LiveStoreProbe, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#probe = probe;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  get readiness(): ReadonlyObservable<Readiness> {
    return this.#readiness;
  }

  /** Resolves after the first answer, or the lack of one. Goes on until `stop`. */
  async start(): Promise<void> {
    await this.#ask();
    void this.#goOn();
  }

  stop(): void {
    this.#stop.abort();
    this.#probe.close();
  }

  async #goOn(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { value } = this.#readiness;
      const isSteady = value.kind === 'active' && value.misses.count === 0;
      await sleep(this.#clock, isSteady ? STEADY_MS : WAITING_MS, this.#stop.signal);
      if (!this.#stop.signal.aborted) await this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const answer = await this.#probe.check();
    if (this.#stop.signal.aborted) return;
    this.#tell(answer);
    this.#readiness.set(nextReadiness(this.#readiness.value, answer));
  }

  /** One line for each different answer, however often it comes. */
  #tell(answer: HealthAnswer): void {
    const text = textOf(answer);
    if (text === this.#told) return;
    this.#told = text;
    if (answer.kind === 'unimplemented')
      this.#logger.warn('agent.no_health', {}, 'the live-store has no grpc.health.v1.Health: whenever it answers, it counts as ready');
    else this.#logger.info('agent.health', { answer: answer.kind }, `the live-store ${text}`);
  }
}

function textOf(answer: HealthAnswer): string {
  switch (answer.kind) {
    case 'serving':
      return 'is serving';
    case 'not-serving':
      return 'answers that it is not serving';
    case 'unimplemented':
      return 'has no health service';
    case 'refused':
    case 'failed':
      return `does not answer: ${answer.reason}`;
  }
}
