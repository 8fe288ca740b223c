import { type Clock, Observable, type ReadonlyObservable, type Service, type Timer } from '../../core/index.ts';
import type { Catalog } from '../../membership/types.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import { advanceStage } from './advance.ts';
import { StageTelemetry } from './telemetry.ts';
import { LINGER, type LingerTimings, type Stage } from './types.ts';

/** The longest wait before the stage is looked at again; timers of days are none of Node's strengths. */
const LONGEST_WAIT_MS = 3_600_000;

export interface StageDriverOptions {
  readonly catalog: ReadonlyObservable<Catalog>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** LINGER unless given. */
  readonly timings?: LingerTimings;
}

/** Keeps the stage as the catalog and the clock move. Before `start` and after `stop` it stands still. */
export class StageDriver implements Service {
  readonly name = 'stage';
  readonly #catalog: ReadonlyObservable<Catalog>;
  readonly #clock: Clock;
  readonly #timings: LingerTimings;
  readonly #telemetry: StageTelemetry;
  readonly #stage: Observable<Stage>;
  #timer: Timer | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor({ catalog, clock, logger, metrics, timings = LINGER }: StageDriverOptions) {
    this.#telemetry = new StageTelemetry(logger, metrics);
    this.#catalog = catalog;
    this.#clock = clock;
    this.#timings = timings;
    this.#stage = new Observable<Stage>({ rings: new Map(), nextMs: null });
  }

  /** Told at each change of the catalog and at each deadline; rings that stayed the same are the same objects. */
  get stage(): ReadonlyObservable<Stage> {
    return this.#stage;
  }

  start(): Promise<void> {
    // Members and their health are content; heartbeats, of which there is news every second, are not.
    this.#unsubscribe ??= this.#catalog.subscribe(({ version }, previous) => {
      if (version !== previous.version) this.#advance();
    });
    this.#advance();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#timer?.cancel();
    this.#timer = null;
    return Promise.resolve();
  }

  #advance(): void {
    const nowMs = this.#clock.nowMs();
    const stage = advanceStage(this.#stage.value, this.#catalog.value, nowMs, this.#timings);
    this.#timer?.cancel();
    this.#timer =
      stage.nextMs === null ? null : this.#clock.after(Math.min(Math.max(stage.nextMs - nowMs, 0), LONGEST_WAIT_MS), () => this.#advance());
    this.#telemetry.record(this.#stage.value, stage, this.#catalog.value);
    this.#stage.set(stage);
  }
}
