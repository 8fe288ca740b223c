import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../core/index.ts';
import type { Connecting, TlsError } from '../../transport/index.ts';
import type { ActiveConnection } from '../filter/types.ts';

/** What a handshake came to. */
export interface SecuringEvents {
  /** Hands the secured connection to its filter. */
  onSecured(socket: TLSSocket): ActiveConnection;
  /** It is closed. */
  onFailed(error: TlsError): void;
  /** It was cut by us while it shook hands. */
  onCut(): void;
}

type State =
  | { readonly kind: 'handshake'; readonly connecting: Connecting }
  /** Was told to go before it could be. */
  | { readonly kind: 'leaving'; readonly connecting: Connecting; readonly untilMs: number; readonly timer: Timer }
  | { readonly kind: 'accepted'; readonly connection: ActiveConnection }
  | { readonly kind: 'over' };

/** One connection of a listener with TLS: first a handshake, then what its filter makes of it. */
export class SecuringConnection implements ActiveConnection {
  readonly #clock: Clock;
  readonly #events: SecuringEvents;
  #state: State;

  /** `begin` starts the handshake: `TlsServer.accept`. */
  constructor(clock: Clock, events: SecuringEvents, begin: (events: HandshakeEvents) => Connecting) {
    this.#clock = clock;
    this.#events = events;
    const connecting = begin({ onSecured: (socket) => this.#onSecured(socket), onFailed: (error) => this.#onFailed(error) });
    this.#state = { kind: 'handshake', connecting };
  }

  drain(deadlineMs: number): void {
    const state = this.#state;
    if (state.kind === 'accepted') state.connection.drain(deadlineMs);
    if (state.kind !== 'handshake' && state.kind !== 'leaving') return;
    const untilMs = this.#clock.monotonicMs() + deadlineMs;
    if (state.kind === 'leaving' && state.untilMs <= untilMs) return;
    this.#leaveNoMore();
    const timer = this.#clock.after(deadlineMs, () => this.close());
    this.#state = { kind: 'leaving', connecting: state.connecting, untilMs, timer };
  }

  close(): void {
    const state = this.#state;
    if (state.kind === 'accepted') state.connection.close();
    if (state.kind !== 'handshake' && state.kind !== 'leaving') return;
    this.#leaveNoMore();
    this.#state = { kind: 'over' };
    state.connecting.cancel();
    this.#events.onCut();
  }

  #onSecured(socket: TLSSocket): void {
    const before = this.#state;
    this.#leaveNoMore();
    const connection = this.#events.onSecured(socket);
    this.#state = { kind: 'accepted', connection };
    if (before.kind === 'leaving') connection.drain(Math.max(0, before.untilMs - this.#clock.monotonicMs()));
  }

  #onFailed(error: TlsError): void {
    this.#leaveNoMore();
    this.#state = { kind: 'over' };
    this.#events.onFailed(error);
  }

  #leaveNoMore(): void {
    if (this.#state.kind === 'leaving') this.#state.timer.cancel();
  }
}

type HandshakeEvents = Pick<SecuringEvents, 'onFailed'> & { onSecured(socket: TLSSocket): void };
