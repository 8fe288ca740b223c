import type { NackStatus } from '../server/types.ts';

/** The client's refusal as it came: google.rpc.Status. */
export interface ErrorDetail {
  readonly code: number;
  readonly message: string;
}

/** What one request meant, besides its subscription. */
export type RequestOutcome =
  /** The first of its type on this stream; its nonce, if any, belongs to another stream and means nothing. */
  | { readonly kind: 'first' }
  | { readonly kind: 'ack'; readonly version: string; readonly tookMs: number }
  | { readonly kind: 'nack'; readonly version: string; readonly tookMs: number; readonly error: ErrorDetail }
  /** Answers nothing: a changed subscription, or the same once more. */
  | { readonly kind: 'spontaneous' }
  /** Carries a nonce that is not the last one sent: written before the client saw the last response. */
  | { readonly kind: 'stale' };

/** One type's conversation on one stream: which response waits for its answer. Exactly one of four states. */
export type Phase =
  /** Everything sent was answered, or nothing was sent: the next response may go. */
  | { readonly kind: 'open' }
  | { readonly kind: 'waiting'; readonly version: string; readonly sentAtMs: number }
  /** No answer in time: others no longer wait for it and a newer response may go; a late answer still counts. */
  | { readonly kind: 'overdue'; readonly version: string; readonly sentAtMs: number }
  /** A stale request came while nothing waited: it gets no answer, the next matching nonce or the next snapshot ends this. */
  | { readonly kind: 'held' };

/** Nonces and acknowledgements of one type on one stream; the same for both protocols. Times are monotonic ms but for `atMs` of a NACK. */
export class Exchange {
  #phase: Phase = { kind: 'open' };
  #lastNonce = '';
  #started = false;
  #sent = '';
  #acked = '';
  #nacked: NackStatus | null = null;

  get phase(): Phase {
    return this.#phase;
  }

  /** Version of the last response sent, '' before the first. */
  get sent(): string {
    return this.#sent;
  }

  get acked(): string {
    return this.#acked;
  }

  /** The last refusal; null once a later response was accepted. */
  get nacked(): NackStatus | null {
    return this.#nacked;
  }

  /** True when a response may be written now. */
  get maySend(): boolean {
    return this.#phase.kind === 'open' || this.#phase.kind === 'overdue';
  }

  onSent(nonce: string, version: string, nowMs: number): void {
    this.#lastNonce = nonce;
    this.#sent = version;
    this.#phase = { kind: 'waiting', version, sentAtMs: nowMs };
  }

  /** Reads the nonce of a request. A NACK is a request with an error and nothing else: versions are not compared (xDS: "ACK/NACK"). */
  onRequest(nonce: string, error: ErrorDetail | null, now: Moment): RequestOutcome {
    if (!this.#started) {
      this.#started = true;
      return { kind: 'first' };
    }
    if (nonce === '') return { kind: 'spontaneous' };
    if (nonce !== this.#lastNonce) return { kind: 'stale' };
    const answered = this.#phase;
    this.#phase = { kind: 'open' };
    if (answered.kind === 'open' || answered.kind === 'held') return { kind: 'spontaneous' };
    const tookMs = now.monotonicMs - answered.sentAtMs;
    if (error) {
      this.#nacked = { version: answered.version, message: error.message, atMs: now.unixMs };
      return { kind: 'nack', version: answered.version, tookMs, error };
    }
    this.#acked = answered.version;
    this.#nacked = null;
    return { kind: 'ack', version: answered.version, tookMs };
  }

  /** A stale request while nothing waited must not be answered (state of the world only). */
  hold(): void {
    if (this.#phase.kind === 'open') this.#phase = { kind: 'held' };
  }

  /** A new snapshot, or a request that starts afresh: what was held back may be sent. */
  release(): void {
    if (this.#phase.kind === 'held') this.#phase = { kind: 'open' };
  }

  /** Gives up waiting for an answer that has not come within `timeoutMs`. True when it gave up now. */
  expire(nowMs: number, timeoutMs: number): boolean {
    if (this.#phase.kind !== 'waiting' || nowMs < this.#phase.sentAtMs + timeoutMs) return false;
    this.#phase = { kind: 'overdue', version: this.#phase.version, sentAtMs: this.#phase.sentAtMs };
    return true;
  }
}

/** One moment on both clocks. */
export interface Moment {
  readonly monotonicMs: number;
  readonly unixMs: number;
}
