import { Backoff, type Clock, type Random, type Timer } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { ResourceFailure } from '../../xds/client/types.ts';
import type { FromWorker, InitMessage, ToWorker, WorkerReport } from './messages.ts';
import { readFromWorker } from './read-message.ts';

/** A process that carries requests beside this one. */
export interface WorkerProcess {
  /** undefined when it could not be started. */
  readonly pid: number | undefined;
  /** To a process that is gone: does nothing. */
  send(message: ToWorker): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, after its last message: `how` is `exit 1`, `SIGKILL`, or why it could not be started. */
  onEnd(listener: (how: string) => void): void;
  kill(): void;
}

/** Starts a process that reads ToWorker. */
export type ForkWorker = (worker: number) => WorkerProcess;

export interface WorkerSlotOptions {
  /** From 1. */
  readonly worker: number;
  readonly fork: ForkWorker;
  /** What it is made of. */
  readonly init: () => InitMessage;
  /** What it is told when it may serve. */
  readonly begin: () => ToWorker;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  onReport(report: WorkerReport): void;
  onRefused(failures: readonly ResourceFailure[]): void;
  /** It has ended, wanted or not. */
  onEnd(): void;
  /** It is started again. */
  onRestart(): void;
}

/** First and longest delay before a worker that has ended is started again. */
const BACKOFF = { baseMs: 200, maxMs: 30_000, minMs: 20 };
/** One that ran this long starts the next back-off from the beginning. */
const STABLE_MS = 10_000;

/** An answer to a question; null when the worker ended, or took too long. */
type Answer = Extract<FromWorker, { seq: unknown }> | null;

type State =
  | { readonly kind: 'idle' | 'stopped' }
  | { readonly kind: 'starting' | 'ready' | 'serving'; readonly process: WorkerProcess; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly timer: Timer };

/** One worker: started, told everything, and started again when it ends by itself. */
export class WorkerSlot {
  readonly worker: number;
  readonly #options: WorkerSlotOptions;
  readonly #backoff: Backoff;
  readonly #questions = new Map<number, (answer: Answer) => void>();
  #state: State = { kind: 'idle' };
  #mayServe = false;
  #seq = 0;
  /** Who waits for `ready` or for the end. */
  #waiting: (() => void)[] = [];

  constructor(options: WorkerSlotOptions) {
    this.worker = options.worker;
    this.#options = options;
    this.#backoff = new Backoff(BACKOFF, options.random);
  }

  get isServing(): boolean {
    return this.#state.kind === 'serving';
  }

  /** Starts it. Resolves when it is ready, or has ended. */
  start(): Promise<void> {
    this.#fork();
    return this.#change();
  }

  /** It may serve, now and whenever it is started again. */
  open(): void {
    this.#mayServe = true;
    this.#beginIfReady();
  }

  /** Tells a worker that serves; one that does not hears of it when it begins. */
  tell(message: ToWorker): void {
    if (this.#state.kind === 'serving') this.#state.process.send(message);
  }

  /** Asks a worker that serves. */
  ask(question: (seq: number) => ToWorker, timeoutMs: number): Promise<Answer> {
    if (this.#state.kind !== 'serving') return Promise.resolve(null);
    const seq = this.#seq;
    this.#seq += 1;
    this.#state.process.send(question(seq));
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, () => this.#questions.get(seq)?.(null));
      this.#questions.set(seq, (answer) => {
        timer.cancel();
        this.#questions.delete(seq);
        resolve(answer);
      });
    });
  }

  /** Has it drain and end; what is left of it after `deadlineMs` is killed. */
  async stop(deadlineMs: number): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'stopped' };
    if (state.kind === 'waiting') state.timer.cancel();
    if (!('process' in state)) return;
    const ended = this.#change();
    state.process.send({ kind: 'stop' });
    const timer = this.#options.clock.after(deadlineMs, () => state.process.kill(), { keepAlive: true });
    await ended;
    timer.cancel();
  }

  #fork(): void {
    const process = this.#options.fork(this.worker);
    this.#state = { kind: 'starting', process, sinceMs: this.#options.clock.monotonicMs() };
    process.onMessage((message) => this.#onMessage(readFromWorker(message)));
    process.onEnd((how) => this.#onEnd(process, how));
    process.send(this.#options.init());
  }

  #onMessage(message: FromWorker | null): void {
    if (message?.kind === 'report') this.#options.onReport(message.report);
    if (message?.kind === 'refused') this.#options.onRefused(message.failures);
    if (message && 'seq' in message && message.seq !== null) this.#questions.get(message.seq)?.(message);
    if (message?.kind !== 'ready' || this.#state.kind !== 'starting') return;
    this.#state = { ...this.#state, kind: 'ready' };
    this.#beginIfReady();
    this.#changed();
  }

  #beginIfReady(): void {
    if (this.#state.kind !== 'ready' || !this.#mayServe) return;
    this.#state = { ...this.#state, kind: 'serving' };
    this.#state.process.send(this.#options.begin());
  }

  #onEnd(process: WorkerProcess, how: string): void {
    for (const answer of [...this.#questions.values()]) answer(null);
    this.#options.onEnd();
    if (this.#state.kind !== 'stopped') this.#restartLater(process, how);
    this.#changed();
  }

  #restartLater({ pid }: WorkerProcess, how: string): void {
    const { clock, log } = this.#options;
    if ('sinceMs' in this.#state && clock.monotonicMs() - this.#state.sinceMs >= STABLE_MS) this.#backoff.reset();
    const delayMs = this.#backoff.nextMs();
    log.error(
      'worker.ended',
      { worker: this.worker, pid, how, restartMs: Math.round(delayMs) },
      'a process of the sidecar ended; its connections are cut, the others go on, it is started again',
    );
    const restart = (): void => {
      this.#options.onRestart();
      this.#fork();
    };
    this.#state = { kind: 'waiting', timer: clock.after(delayMs, restart) };
  }

  /** Resolves when it is ready, or has ended. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
