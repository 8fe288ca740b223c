import { isDeepStrictEqual } from 'node:util';
import { Backoff, messageOf, RingwayError, sleep } from '../../../core/index.ts';
import type { SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import { type ApiTarget, locateApi } from './access.ts';
import type { KubernetesSourceOptions } from './options.ts';
import { listSlices } from './read.ts';
import { reportOf } from './report.ts';
import type { SliceStore } from './store.ts';
import { watchSlices } from './stream.ts';
import { VersionGuard } from './version-guard.ts';

/** A watch that lasted this long was a good one: the next trouble is a new one. */
const STEADY_MS = 10_000;
/** So many watches one after the other that end soon and bring nothing are a failure, however they end. */
const MAX_FRUITLESS = 3;
/** What watches cannot tell comes to light by then: an etcd that was restored and has overtaken us since. */
const RELIST_MS = 30 * 60_000;

/**
 * Lists the slices of a Service, then watches them from there, for one reader. A watch that ends is taken up where it ended; when that
 * cannot be done, and after every failure, all is listed again. Waits are jittered: not all control servers come back at one moment.
 */
export class SliceFollower {
  readonly #options: KubernetesSourceOptions;
  readonly #deps: SourceDeps;
  readonly #directory: string;
  readonly #put: (report: SourceReport) => void;
  readonly #backoff: Backoff;
  readonly #guard = new VersionGuard();
  #last: SourceReport | null = null;

  /** `directory` has the files of the service account. */
  constructor(options: KubernetesSourceOptions, deps: SourceDeps, directory: string, put: (report: SourceReport) => void) {
    this.#options = options;
    this.#deps = deps;
    this.#directory = directory;
    this.#put = put;
    this.#backoff = new Backoff({ baseMs: 500, maxMs: 10_000, minMs: 50 }, deps.random);
  }

  /** One list, and watches from there until all has to be listed again: that is when it resolves, or soon after `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const target = await locateApi(this.#options, this.#deps, this.#directory);
      const store = await this.#list(target, signal);
      await this.#watch(target, store, signal);
    } catch (error) {
      if (signal.aborted) return;
      const known = error instanceof RingwayError ? error : new RingwayError(messageOf(error), { code: 'READ_FAILED', cause: error });
      this.#report({ kind: 'failed', error: known });
      await this.#pause(signal);
    }
  }

  async #list(target: ApiTarget, signal: AbortSignal): Promise<SliceStore> {
    const { clock } = this.#deps;
    const asOfMs = clock.nowMs();
    const store = await listSlices(target, this.#deps, signal);
    const doubt = this.#guard.judge(store.version, clock.monotonicMs());
    if (doubt !== null)
      throw new RingwayError(`${target.server}: list endpointslices of ${target.namespace}/${target.service}: ${doubt}`, {
        code: 'API_BACKWARDS',
      });
    if (!signal.aborted) this.#report(reportOf(store, target, this.#options, asOfMs));
    return store;
  }

  async #watch(target: ApiTarget, store: SliceStore, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const listedMs = clock.monotonicMs();
    let fruitless = 0;
    while (!signal.aborted && clock.monotonicMs() - listedMs < RELIST_MS) {
      const startedMs = clock.monotonicMs();
      let isFruitless = true;
      const onChange = (): void => {
        isFruitless = false;
        this.#guard.seen(store.version);
        if (!signal.aborted) this.#report(reportOf(store, target, this.#options, clock.nowMs()));
      };
      const end = await watchSlices({ target, store, deps: this.#deps, signal, onChange });
      if (signal.aborted) return;
      if (end.kind === 'failed') throw end.error;
      const isSteady = clock.monotonicMs() - startedMs >= STEADY_MS;
      if (isSteady) this.#backoff.reset();
      fruitless = isFruitless && !isSteady ? fruitless + 1 : 0;
      if (fruitless === MAX_FRUITLESS && end.kind !== 'stale') throw end.how;
      if (end.kind === 'broken' || !isSteady) await this.#pause(signal);
      if (end.kind === 'stale') return;
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return sleep(this.#deps.clock, this.#backoff.nextMs(), signal);
  }

  /** What was said is not said again, unless it is newer or a failure. */
  #report(report: SourceReport): void {
    const last = this.#last;
    const isNews =
      report.kind === 'failed' ||
      last?.kind !== 'members' ||
      report.asOfMs > last.asOfMs ||
      !isDeepStrictEqual(report, { ...last, asOfMs: report.asOfMs });
    if (!isNews) return;
    this.#last = report;
    this.#put(report);
  }
}
