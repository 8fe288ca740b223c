import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { NatsConnectionConfig, SecretReader } from '../../../config/index.ts';
import { type Clock, Observable, type Random, type ReadonlyObservable, type RingwayError, sleep } from '../../../core/index.ts';
import { dial } from './dial.ts';
import { busError, refused, unavailable } from './errors.ts';
import { RetryPace } from './retry-pace.ts';
import { ServerList } from './server-list.ts';

/** What a bus over NATS takes from the world. */
export interface NatsDeps {
  readonly clock: Clock;
  /** For jitter, the order of servers, and names that nobody else has. */
  readonly random: Random;
  readonly readSecret: SecretReader;
}

/** A connection and what is asked through it. */
export interface Session {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

/** `down` anew with each attempt that fails. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'down'; readonly error: RingwayError }
  | { readonly kind: 'up'; readonly session: Session };

/** One request takes no longer. */
export const REQUEST_MS = 2000;
/** After an attempt that took this long there is no need to wait longer each time. */
const STABLE_MS = 1000;

/**
 * A connection to one of the servers, made again for ever. Each is a new one: files and secrets are read anew, and nothing that was sent
 * into the old one is sent again later.
 */
export class NatsLink {
  readonly #config: NatsConnectionConfig;
  readonly #inbox: string;
  readonly #deps: NatsDeps;
  readonly #servers: ServerList;
  readonly #state = new Observable<LinkState>({ kind: 'connecting' });
  readonly #connected = new Observable(false);
  readonly #closing = new AbortController();
  #running: Promise<void> | null = null;

  constructor(config: NatsConnectionConfig, inbox: string, deps: NatsDeps) {
    this.#config = config;
    this.#inbox = inbox;
    this.#deps = deps;
    this.#servers = new ServerList(config.servers, deps.random);
    this.#state.subscribe(({ kind }) => this.#connected.set(kind === 'up'));
  }

  get state(): ReadonlyObservable<LinkState> {
    return this.#state;
  }

  get connected(): ReadonlyObservable<boolean> {
    return this.#connected;
  }

  start(): void {
    if (!this.#closing.signal.aborted) this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    this.#state.set({ kind: 'down', error: unavailable('nats: the bus is closed') });
  }

  /** A connection, waited for up to `waitMs`; another one than `spent`, which has failed. Rejects with why there is none. */
  async ready(waitMs: number, spent: Session | null = null): Promise<Session> {
    this.start();
    const isReady = (state: LinkState): boolean => state.kind === 'up' && state.session !== spent;
    if (!isReady(this.#state.value)) {
      const ready = new AbortController();
      const unsubscribe = this.#state.subscribe((state) => isReady(state) && ready.abort());
      await sleep(this.#deps.clock, waitMs, AbortSignal.any([ready.signal, this.#closing.signal]));
      unsubscribe();
    }
    const state = this.#state.value;
    if (state.kind === 'up' && state.session !== spent) return state.session;
    throw state.kind === 'down' ? state.error : unavailable(`nats: no connection to ${this.#config.servers.join(', ')} in time`);
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#deps;
    const { signal } = this.#closing;
    const pace = new RetryPace(random);
    while (!signal.aborted) {
      const sinceMs = clock.monotonicMs();
      const error = await this.#connectOnce();
      if (signal.aborted) return;
      if (clock.monotonicMs() - sinceMs >= STABLE_MS) pace.reset();
      this.#state.set({ kind: 'down', error });
      await sleep(clock, pace.nextMs(error), signal);
    }
  }

  /** One round through the servers, and the life of the connection if one of them takes us. Why it ended. */
  async #connectOnce(): Promise<RingwayError> {
    const { signal } = this.#closing;
    const failures = new Map<string, RingwayError>();
    for (const server of this.#servers.next()) {
      if (signal.aborted) break;
      try {
        return await this.#live(await dial(server, this.#config, { inbox: this.#inbox, readSecret: this.#deps.readSecret, signal }));
      } catch (error) {
        const failure = busError(error, server.address);
        failures.set(failure.message, failure);
      }
    }
    const text = `nats: ${[...failures.keys()].join('; ')}`;
    return [...failures.values()].some(({ code }) => code === 'BUS_REFUSED') ? refused(text) : unavailable(text);
  }

  async #live(nc: NatsConnection): Promise<RingwayError> {
    const { signal } = this.#closing;
    if (signal.aborted) void nc.close();
    const close = (): void => void nc.close();
    signal.addEventListener('abort', close, { once: true });
    void this.#follow(nc);
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: REQUEST_MS });
    this.#servers.connected(nc);
    this.#state.set({ kind: 'up', session: { nc, js: jetstream(nc, { timeout: REQUEST_MS }), jsm } });
    const error = await nc.closed();
    signal.removeEventListener('abort', close);
    return error instanceof Error
      ? busError(error, `nats: ${nc.getServer()}`)
      : unavailable(`nats: ${nc.getServer()}: the connection ended`);
  }

  /** A server that is about to stop (lame duck) says so: with others there, there is no reason to wait for it. */
  async #follow(nc: NatsConnection): Promise<void> {
    for await (const status of nc.status()) {
      if (status.type === 'update') this.#servers.connected(nc);
      if (status.type === 'ldm' && this.#servers.size > 1) void nc.close();
    }
  }
}
