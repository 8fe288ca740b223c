import { Backoff, type Clock, type Random, sleep } from '../../core/index.ts';
import { type ChildOptions, type ChildSpec, RunningChild } from './child.ts';

/** How one child is. */
export type ChildState =
  | { readonly kind: 'running'; readonly pid: number }
  /** It died and starts again, or has started less than a second ago; `reason` says how it ended, with its last words. */
  | { readonly kind: 'restarting'; readonly reason: string }
  | { readonly kind: 'stopped' };

export interface ChildStatus {
  readonly name: string;
  readonly state: ChildState;
  /** Times it was started again. */
  readonly restarts: number;
}

/** Deadlines of `stop`: after this a child that is still there is killed. */
const STOP_MS = 5_000;
/** A child that was started again counts as running after this. */
const SETTLED_MS = 1_000;
/** A child that ran this long starts the next back-off from the beginning. */
const STABLE_MS = 10_000;

interface Kept {
  status: ChildStatus;
  child: RunningChild | undefined;
  done: Promise<void>;
}

/** Keeps processes running: starts them again with back-off when they die, and stops them in reverse order. */
export class Supervisor {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #kept = new Map<string, Kept>();
  readonly #stopping = new AbortController();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Starts a process and keeps it. Names must differ. */
  keep(spec: ChildSpec, options: ChildOptions = {}): void {
    const kept: Kept = { status: { name: spec.name, state: { kind: 'stopped' }, restarts: 0 }, child: undefined, done: Promise.resolve() };
    this.#kept.set(spec.name, kept);
    kept.done = this.#run(spec, options, kept);
  }

  statuses(): readonly ChildStatus[] {
    return [...this.#kept.values()].map((kept) => kept.status);
  }

  /** SIGTERM in reverse order of `keep`, each after the one before has ended; SIGKILL after 5 s. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const kept of [...this.#kept.values()].toReversed()) {
      const force = this.#clock.after(STOP_MS, () => kept.child?.kill(), { keepAlive: true });
      kept.child?.terminate();
      await kept.done;
      force.cancel();
    }
  }

  async #run(spec: ChildSpec, options: ChildOptions, kept: Kept): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff({ baseMs: 250, maxMs: 5_000, minMs: 100 }, this.#random);
    for (let restarts = 0; !signal.aborted; restarts += 1) {
      const startedMs = this.#clock.monotonicMs();
      const child = new RunningChild(spec, options);
      kept.child = child;
      const running: ChildStatus = { name: spec.name, state: { kind: 'running', pid: child.pid }, restarts };
      const settle = this.#clock.after(restarts === 0 ? 0 : SETTLED_MS, () => {
        kept.status = running;
      });
      const exit = await child.exited;
      settle.cancel();
      kept.child = undefined;
      if (signal.aborted) break;
      const reason = exit.lastWords === '' ? exit.how : `${exit.how}: ${exit.lastWords}`;
      kept.status = { name: spec.name, state: { kind: 'restarting', reason }, restarts };
      if (this.#clock.monotonicMs() - startedMs > STABLE_MS) backoff.reset();
      await sleep(this.#clock, backoff.nextMs(), signal);
    }
    kept.status = { ...kept.status, state: { kind: 'stopped' } };
  }
}
