import type { RingConfig } from '../config/index.ts';
import { type Clock, messageOf, RingwayError, sleep, type Timer } from '../core/index.ts';
import type { Logger, MetricRegistry } from '../telemetry/index.ts';
import { createAddressJudge } from './address-judge.ts';
import { isSameContent } from './keep.ts';
import { mergeRing, nextMergeMs } from './merge.ts';
import type { MergeInput, MergePolicy, SourceState } from './merge-input.ts';
import type { OwnAddresses } from './own-addresses.ts';
import { RingTelemetry } from './ring-telemetry.ts';
import type { MembershipSource, Ring, RingName, SourceReport } from './types.ts';

/** One ring to read: who says who is in it, in order of precedence, and what the operator decided. */
export interface RingInput {
  readonly name: RingName;
  readonly sources: readonly MembershipSource[];
  readonly config: Omit<RingConfig, 'sources'>;
}

/** What the world hands in. */
export interface HubDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** Where this process is itself; unless given, nowhere a ring could name. */
  readonly own?: OwnAddresses;
}

const NOWHERE: OwnAddresses = { machine: [], listeners: [] };

/** After this long a source that stopped, against its contract, is watched anew. */
const REWATCH_MS = 1000;
/** A timer that is later than this has slept with the whole process (a suspended machine, a paused container)… */
const OVERSLEPT_MS = 2_000;
/** …and sources get this long to say what happened meanwhile, before every heartbeat is found too old. */
const CATCH_UP_MS = 5_000;
/** Timers hold no more: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** `isSame`: it says the same as the one before, see Catalog. */
type OnRing = (ring: Ring, isSame: boolean) => void;

/** Reads all sources of one ring and merges at each report, and when a heartbeat or a failing source grows too old. */
export class RingWatch {
  readonly input: RingInput;
  readonly #deps: HubDeps;
  readonly #policy: MergePolicy;
  readonly #onRing: OnRing;
  readonly #telemetry: RingTelemetry;
  readonly #abort = new AbortController();
  readonly #states: Map<string, SourceState>;
  #loops: readonly Promise<void>[] = [];
  #ring: Ring;
  #merged = false;
  #timer: Timer | null = null;

  /** `before` hands over what an earlier watch of this ring knew, so that a new configuration makes no member vanish for a moment. */
  constructor(input: RingInput, deps: HubDeps, onRing: OnRing, before: RingWatch | null) {
    this.input = input;
    this.#deps = deps;
    this.#onRing = onRing;
    this.#policy = { ...input.config, judge: createAddressJudge(input.config.allowedAddresses, deps.own ?? NOWHERE) };
    const states = input.sources.map(
      ({ name }) => (before === null ? undefined : before.#states.get(name)) ?? { name, report: null, failure: null },
    );
    this.#states = new Map(states.map((state) => [state.name, state]));
    this.#ring = before?.ring ?? mergeRing(this.#mergeInput(null));
    this.#telemetry = new RingTelemetry(input.name, deps);
  }

  /** The newest merge. */
  get ring(): Ring {
    return this.#ring;
  }

  start(): void {
    this.#loops = this.input.sources.map((source) => this.#follow(source));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#timer?.cancel();
    await Promise.all(this.#loops);
  }

  /** Sources that wait for changes read again. */
  reload(): void {
    for (const source of this.input.sources) source.reload?.();
  }

  async #follow(source: MembershipSource): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        for await (const report of source.watch(signal)) if (!signal.aborted) this.#accept(source.name, report);
      } catch (error) {
        const broken = new RingwayError(`source ${source.name} broke: ${messageOf(error)}`, { code: 'SOURCE_BROKEN', cause: error });
        if (!signal.aborted) this.#accept(source.name, { kind: 'failed', error: broken });
      }
      await sleep(this.#deps.clock, REWATCH_MS, signal);
    }
  }

  #accept(name: string, report: SourceReport): void {
    const before = this.#states.get(name) as SourceState;
    const sinceMs = before.failure?.sinceMs ?? this.#deps.clock.nowMs();
    const after: SourceState =
      report.kind === 'members' ? { name, report, failure: null } : { ...before, failure: { sinceMs, error: report.error.message } };
    this.#states.set(name, after);
    this.#telemetry.source(before, after);
    this.#merge();
  }

  #merge(): void {
    const input = this.#mergeInput(this.#ring);
    const before = this.#ring;
    this.#ring = mergeRing(input);
    const isSame = isSameContent(before, this.#ring);
    if (!isSame || !this.#merged) this.#telemetry.ring(before, this.#ring);
    this.#merged = true;
    this.#arm(nextMergeMs(input, this.#ring), input.nowMs);
    this.#onRing(this.#ring, isSame);
  }

  #arm(atMs: number | null, nowMs: number): void {
    this.#timer?.cancel();
    if (atMs === null) return;
    const delayMs = Math.min(atMs - nowMs, MAX_DELAY_MS);
    this.#timer = this.#deps.clock.after(delayMs, () => this.#due(nowMs + delayMs));
  }

  #due(plannedMs: number): void {
    const { clock } = this.#deps;
    if (clock.nowMs() - plannedMs <= OVERSLEPT_MS) this.#merge();
    else this.#timer = clock.after(CATCH_UP_MS, () => this.#merge());
  }

  #mergeInput(previous: Ring | null): MergeInput {
    return {
      name: this.input.name,
      sources: [...this.#states.values()],
      policy: this.#policy,
      nowMs: this.#deps.clock.nowMs(),
      previous,
    };
  }
}
