import type { Clock } from '../core/index.ts';
import type { Counter } from '../telemetry/index.ts';
import type { Http2CodecStats } from './codec-stats.ts';
import { Http2Error } from './errors.ts';
import { ErrorCode } from './protocol.ts';
import type { Limits } from './settings.ts';

/** Streams that live longer are not reset prematurely (Envoy's overload.premature_reset_min_stream_lifetime_seconds). */
const PREMATURE_MS = 1000;

/**
 * Counts what costs us more than it costs the peer, per connection, with Envoy's limits. Every method throws Http2Error
 * ENHANCE_YOUR_CALM when a limit is passed. Not counted: pings and SETTINGS as such, only answers that pile up unsent; grpc-go
 * pings with nearly every message.
 */
export class AbuseGuard {
  readonly #limits: Limits;
  readonly #stats: Http2CodecStats;
  readonly #clock: Clock;
  #unsentReplies = 0;
  #newReplies = 0;
  #unsentFrames = 0;
  /** Frames written before the turn at hand. */
  #markedFrames = 0;
  /** What the socket has not passed on: `replies` and `frames` lie before octet `end` of all we wrote. */
  #marks: { readonly end: number; readonly replies: number; readonly frames: number }[] = [];
  #emptyFrames = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #streams = 0;
  #dataFramesSent = 0;
  #lastOpened = 0;
  readonly #maxResetDebt: number;
  #resetDebt = 0;
  #resetDebtAtMs = 0;

  constructor(limits: Limits, stats: Http2CodecStats, clock: Clock) {
    this.#limits = limits;
    this.#stats = stats;
    this.#clock = clock;
    // all that may be open at once, of which the last counts twice
    this.#maxResetDebt = Math.max(2 * limits.maxPrematureResets, limits.maxConcurrentStreams + 1);
  }

  streamOpened(streamId: number): void {
    this.#streams += 1;
    this.#lastOpened = streamId;
  }

  /** A stream ran to its end, which pays for one that did not. */
  streamCompleted(): void {
    if (this.#resetDebt > 0) this.#resetDebt -= 1;
  }

  /**
   * A request that cost us work but was reset by the peer before it was answered, or had to be refused (CVE-2023-44487). It adds one to
   * a debt, two when no other request came between it and its reset. As much as the debt may be is paid off in a second: so streams that live
   * longer than that can never fill it, however many are cancelled at once (docs/adr/0023).
   */
  streamCancelled(streamId: number): void {
    const nowMs = this.#clock.monotonicMs();
    const paid = ((nowMs - this.#resetDebtAtMs) / PREMATURE_MS) * this.#maxResetDebt;
    this.#resetDebtAtMs = nowMs;
    this.#resetDebt = Math.max(0, this.#resetDebt - paid) + (streamId === this.#lastOpened ? 2 : 1);
    if (this.#resetDebt > this.#maxResetDebt) this.#stop(this.#stats.tooManyPrematureResets, 'too many streams were reset');
  }

  dataFrameSent(): void {
    this.#dataFramesSent += 1;
  }

  /** An answer to PING, SETTINGS or a bad stream was written. */
  replied(): void {
    this.#unsentReplies += 1;
    this.#newReplies += 1;
    if (this.#unsentReplies > this.#limits.maxOutboundControlFrames)
      this.#stop(this.#stats.outboundControlFlood, 'too many control frames');
  }

  /** At the end of a turn: octets and frames handed to the socket so far, and how many octets of them it has passed on. */
  flushed(written: number, sent: number, frames: number): void {
    if (sent >= written) {
      this.#unsentReplies = 0;
      this.#unsentFrames = 0;
      if (this.#marks.length > 0) this.#marks = [];
    } else {
      this.#mark(written, frames - this.#markedFrames);
      this.#forget(sent);
    }
    this.#newReplies = 0;
    this.#markedFrames = frames;
    if (this.#unsentFrames > this.#limits.maxOutboundFrames) this.#stop(this.#stats.outboundFlood, 'too many frames wait to be read');
  }

  #mark(end: number, frames: number): void {
    if (frames === 0) return;
    this.#unsentFrames += frames;
    this.#marks.push({ end, replies: this.#newReplies, frames });
  }

  #forget(sent: number): void {
    let passed = 0;
    for (const { end, replies, frames } of this.#marks) {
      if (end > sent) break;
      passed += 1;
      this.#unsentReplies -= replies;
      this.#unsentFrames -= frames;
    }
    if (passed > 0) this.#marks.splice(0, passed);
  }

  /** A DATA, HEADERS or CONTINUATION frame; `isEmpty` when it carries and ends nothing. */
  payloadFrame(isEmpty: boolean): void {
    if (!isEmpty) {
      this.#emptyFrames = 0;
      return;
    }
    this.#emptyFrames += 1;
    if (this.#emptyFrames > this.#limits.maxConsecutiveEmptyFrames)
      this.#stop(this.#stats.inboundEmptyFramesFlood, 'too many empty frames');
  }

  priorityFrame(): void {
    this.#priorityFrames += 1;
    const limit = this.#limits.maxPriorityFramesPerStream * (1 + this.#streams);
    if (this.#priorityFrames > limit) this.#stop(this.#stats.inboundPriorityFramesFlood, 'too many PRIORITY frames');
  }

  windowUpdateFrame(): void {
    this.#windowUpdates += 1;
    const limit = 5 + 2 * (this.#streams + this.#limits.maxWindowUpdatesPerDataFrame * this.#dataFramesSent);
    if (this.#windowUpdates > limit) this.#stop(this.#stats.inboundWindowUpdateFramesFlood, 'too many WINDOW_UPDATE frames');
  }

  #stop(counter: Counter, what: string): never {
    counter.inc();
    throw new Http2Error(ErrorCode.ENHANCE_YOUR_CALM, what);
  }
}
