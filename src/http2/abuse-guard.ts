import type { Clock } from '../core/index.ts';
import type { Counter } from '../telemetry/index.ts';
import type { Http2CodecStats } from './codec-stats.ts';
import { Http2Error } from './errors.ts';
import { ErrorCode } from './protocol.ts';
import type { Limits } from './settings.ts';

/** Resets are counted against completed streams within this time; an honest client that cancels much stays below. */
const RESET_WINDOW_MS = 10_000;

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
  /** Replies that are on their way: `count` of them lie before octet `end` of all we wrote. */
  readonly #marks: { readonly end: number; readonly count: number }[] = [];
  #emptyFrames = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #streams = 0;
  #dataFramesSent = 0;
  #prematureResets = 0;
  #resetWindowStartMs = 0;

  constructor(limits: Limits, stats: Http2CodecStats, clock: Clock) {
    this.#limits = limits;
    this.#stats = stats;
    this.#clock = clock;
  }

  streamOpened(): void {
    this.#streams += 1;
  }

  /** A stream ran to its end, which speaks for the peer. */
  streamCompleted(): void {
    if (this.#prematureResets > 0) this.#prematureResets -= 1;
  }

  /** A request that cost us work but was reset by the peer, or had to be refused (CVE-2023-44487). */
  streamCancelled(): void {
    if (this.#prematureResets === 0) this.#resetWindowStartMs = this.#clock.monotonicMs();
    this.#prematureResets += 1;
    if (this.#prematureResets <= this.#limits.maxPrematureResets) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#resetWindowStartMs <= RESET_WINDOW_MS) this.#stop(this.#stats.tooManyPrematureResets, 'too many streams were reset');
    this.#prematureResets = 0;
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

  /** At the end of a turn: octets handed to the socket so far, and how many of them it has passed on. */
  flushed(written: number, sent: number): void {
    if (this.#newReplies > 0) this.#marks.push({ end: written, count: this.#newReplies });
    this.#newReplies = 0;
    while (this.#marks.length > 0 && this.#marks[0]!.end <= sent) this.#unsentReplies -= this.#marks.shift()!.count;
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
