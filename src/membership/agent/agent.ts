import { Backoff, type Clock, codeOf, messageOf, Observable, type Random, type ReadonlyObservable, sleep } from '../../core/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { Announcement, Lease, MemberState, MembershipBus } from '../types.ts';
import { HealthWatch } from './health-watch.ts';
import { memberStateOf } from './readiness.ts';
import { AgentTelemetry, type Operation, type StandingName } from './telemetry.ts';
import { Troubles } from './troubles.ts';
import type { LiveStoreProbe } from './types.ts';

/** How the member stands on the bus. */
export type AgentState =
  /** Not in the ring: not yet, or the bus is away or refuses. */
  | { readonly kind: 'outside' }
  /** In the ring; `told` is the state that the bus has. */
  | { readonly kind: 'member'; readonly lease: Lease; readonly told: MemberState }
  /** Another process has the place. Final: two that fight for a place make the ring flap. */
  | { readonly kind: 'lost' }
  /** Out of the ring, or, when the bus stayed away until the stop deadline, as good as. Final. */
  | { readonly kind: 'left' };

/** What is wanted of it; it never goes back. */
type Intent = 'announce' | 'drain' | 'leave';

export interface AgentDeps {
  readonly bus: MembershipBus;
  readonly probe: LiveStoreProbe;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
}

const HEARTBEAT_MS = 5_000;
/** Heartbeats of members that started together drift apart. */
const HEARTBEAT_JITTER = 0.1;
const RETRY = { baseMs: 500, minMs: 100, maxMs: 5_000 };
/** For what waiting alone does not mend. */
const SLOW_RETRY = { baseMs: 10_000, minMs: 5_000, maxMs: 60_000 };
/** How long connections wait for the bus to hear of LEAVING before they drain all the same. */
const TELL_LEAVING_MS = 1_000;
/** How long a bus that can be reached gets for the last word, though no time is left. */
const LAST_WORD_MS = 1_000;

/**
 * Keeps one member announced: JOINING until the live-store answers, ACTIVE while it does, LEAVING when it stops or we do. Nothing here
 * rejects and nobody has to wait for it: while the bus is away it goes on trying.
 */
export class MemberAgent {
  readonly #member: Omit<Announcement, 'state'>;
  readonly #bus: MembershipBus;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #health: HealthWatch;
  readonly #telemetry: AgentTelemetry;
  readonly #troubles: Troubles;
  readonly #state = new Observable<AgentState>({ kind: 'outside' });
  readonly #retry: Backoff;
  readonly #slowRetry: Backoff;
  readonly #unsubscribe: (() => void)[] = [];
  #intent: Intent = 'announce';
  #heartbeatAtMs = 0;
  #notBeforeMs = 0;
  #wake: () => void = () => {};
  #work: Promise<void> = Promise.resolve();

  /** `member` is what it says of itself, for as long as it lives. */
  constructor(member: Omit<Announcement, 'state'>, deps: AgentDeps) {
    this.#member = member;
    this.#bus = deps.bus;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#logger = deps.logger.child({ member: member.id });
    this.#health = new HealthWatch(deps.probe, { clock: deps.clock, logger: this.#logger });
    this.#telemetry = new AgentTelemetry(deps.metrics);
    this.#troubles = new Troubles(this.#logger);
    this.#retry = new Backoff(RETRY, deps.random);
    this.#slowRetry = new Backoff(SLOW_RETRY, deps.random);
  }

  get state(): ReadonlyObservable<AgentState> {
    return this.#state;
  }

  /** Call it when the advertised address is bound. */
  start(): void {
    const { connected } = this.#bus;
    this.#telemetry.connected(connected.value);
    this.#unsubscribe.push(
      connected.subscribe((isConnected) => this.#onConnected(isConnected)),
      this.#health.readiness.subscribe(() => this.#wake()),
      this.#state.subscribe((state) => this.#telemetry.stands(standingOf(state))),
    );
    this.#work = this.#run();
  }

  /** LEAVING, unless it never was ready: nobody should begin to ask it now. Resolves when that is known, or after a second. */
  async drain(): Promise<void> {
    this.#health.stop();
    this.#intend('drain');
    const told = new AbortController();
    const unsubscribe = this.#state.subscribe(() => this.#isTold() && told.abort());
    if (!this.#isTold()) await sleep(this.#clock, TELL_LEAVING_MS, told.signal);
    unsubscribe();
  }

  /**
   * Leaves the ring. While the bus is away that is tried until `withinMs` is over; then heartbeats that stay away have to tell it. One that
   * can be reached gets a second at least: connections may have taken all the time there was.
   */
  async leave(withinMs: number): Promise<void> {
    this.#health.stop();
    this.#intend('leave');
    const done = new AbortController();
    void this.#work.then(() => done.abort());
    await sleep(this.#clock, this.#bus.connected.value ? Math.max(withinMs, LAST_WORD_MS) : withinMs, done.signal);
    if (!this.#isOver()) this.#giveUp();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  #giveUp(): void {
    const how = 'the bus did not hear that this member leaves; it stands there until its heartbeat is too old';
    if (this.#state.value.kind === 'member') this.#logger.error('agent.leave_abandoned', {}, how);
    this.#state.set({ kind: 'left' });
    this.#wake();
  }

  async #run(): Promise<void> {
    // A sidecar that starts beside a live-store that serves never says JOINING.
    await this.#health.start();
    while (!this.#isOver()) {
      const operation = this.#due();
      if (operation === 'nothing more') this.#state.set({ kind: 'left' });
      else if (operation === null) await this.#pause();
      else await this.#attempt(operation);
    }
  }

  /** What has to be done now; null when nothing has. */
  #due(): Operation | 'nothing more' | null {
    const state = this.#state.value;
    if (state.kind !== 'member' && this.#intent !== 'announce') return 'nothing more';
    if (this.#clock.monotonicMs() < this.#notBeforeMs) return null;
    if (state.kind !== 'member') return 'join';
    if (this.#intent === 'leave') return 'leave';
    if (state.told !== this.#wanted(state.told)) return 'state';
    return this.#clock.monotonicMs() >= this.#heartbeatAtMs ? 'heartbeat' : null;
  }

  #pause(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = nowMs < this.#notBeforeMs ? this.#notBeforeMs : this.#heartbeatAtMs;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    return sleep(this.#clock, Math.max(0, dueMs - nowMs), woken.signal);
  }

  async #attempt(operation: Operation): Promise<void> {
    try {
      await this.#perform(operation);
      this.#retry.reset();
      this.#slowRetry.reset();
      this.#heartbeatAtMs = this.#clock.monotonicMs() + HEARTBEAT_MS * (1 + HEARTBEAT_JITTER * (2 * this.#random() - 1));
      this.#troubles.over();
    } catch (error) {
      this.#onFailure(operation, error);
    }
  }

  async #perform(operation: Operation): Promise<void> {
    const state = this.#state.value;
    if (state.kind !== 'member') return this.#join();
    const { lease, told } = state;
    const wanted = this.#wanted(told);
    if (operation === 'leave') {
      await this.#bus.leave(lease);
      if (this.#isOver()) return;
      this.#logger.info('agent.left', {}, 'left the ring');
      this.#state.set({ kind: 'left' });
      return;
    }
    if (operation === 'state') await this.#bus.setState(lease, wanted);
    else await this.#bus.heartbeat(lease);
    this.#telemetry.heartbeat();
    if (operation !== 'state' || this.#isOver()) return;
    this.#logger.info('agent.state', { from: told, to: wanted }, `${told} → ${wanted}`);
    this.#state.set({ kind: 'member', lease, told: wanted });
  }

  async #join(): Promise<void> {
    const { address, zone, partition } = this.#member;
    const told = this.#wanted('JOINING');
    const lease = await this.#bus.join({ ...this.#member, state: told });
    this.#telemetry.heartbeat();
    lease.lost.addEventListener('abort', () => this.#lose(lease.lost.reason), { once: true });
    if (lease.lost.aborted) this.#lose(lease.lost.reason);
    if (this.#isOver()) return;
    this.#logger.info('agent.joined', { address, zone, partition, state: told }, `in the ring as ${told}`);
    this.#state.set({ kind: 'member', lease, told });
  }

  /** The state to be told; `told` is the one that the bus has. */
  #wanted(told: MemberState): MemberState {
    if (this.#intent === 'announce') return memberStateOf(this.#health.readiness.value);
    return told === 'JOINING' ? told : 'LEAVING';
  }

  #onFailure(operation: Operation, error: unknown): void {
    if (this.#isOver()) return;
    this.#telemetry.failures(operation).inc();
    const code = codeOf(error);
    if (code === 'LEASE_LOST') {
      this.#lose(error);
      return;
    }
    const isAway = code === 'BUS_UNAVAILABLE';
    this.#troubles.met(error, { isAway, isLeaving: this.#intent === 'leave' });
    if (!isAway && this.#intent === 'leave') this.#state.set({ kind: 'left' });
    this.#notBeforeMs = this.#clock.monotonicMs() + (isAway ? this.#retry : this.#slowRetry).nextMs();
  }

  #lose(reason: unknown): void {
    if (this.#isOver()) return;
    this.#health.stop();
    this.#logger.error(
      'agent.lost',
      { reason: messageOf(reason) },
      'another process announces this member; this one is silent from now on',
    );
    this.#state.set({ kind: 'lost' });
    this.#wake();
  }

  /** Whoever watches may have missed heartbeats: the next one does not wait. */
  #onConnected(isConnected: boolean): void {
    this.#telemetry.connected(isConnected);
    if (!isConnected) return;
    this.#heartbeatAtMs = 0;
    this.#hurry();
  }

  #intend(intent: Intent): void {
    if (this.#intent === intent) return;
    this.#intent = intent;
    this.#hurry();
  }

  #hurry(): void {
    this.#notBeforeMs = 0;
    this.#wake();
  }

  #isTold(): boolean {
    const state = this.#state.value;
    return state.kind !== 'member' || state.told === this.#wanted(state.told);
  }

  #isOver(): boolean {
    const { kind } = this.#state.value;
    return kind === 'lost' || kind === 'left';
  }
}

function standingOf(state: AgentState): StandingName {
  return state.kind === 'member' ? (state.told.toLowerCase() as Lowercase<MemberState>) : state.kind;
}
