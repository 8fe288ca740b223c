import type { BufferBudget } from './buffer-budget.ts';
import type { ByteQueue } from './byte-queue.ts';
import { DEFAULT_WINDOW_SIZE, MAX_WINDOW_SIZE } from './protocol.ts';

/** What one stream sends before others get their turn. */
const QUANTUM = 16_384;

/** A stream as the sender sees it. */
export interface SendingStream {
  readonly id: number;
  /** Octets the peer still takes on this stream; below 0 after its SETTINGS shrank the windows (RFC 9113 §6.9.2). */
  sendWindow: number;
  readonly queue: ByteQueue;
  /** In the sender's line. */
  isWaiting: boolean;
  /** END_STREAM goes with the last queued octet. */
  readonly endsWithData: boolean;
  /** Octets left the queue; send what stands behind them when it is empty. */
  onSent(): void;
}

/** Where DATA goes: the frame writer, and whether the socket takes more. */
export interface DataTarget {
  data(streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): number;
  takesData(): boolean;
}

/** The connection's send window, and the line of streams that have octets queued and window to send them: served in turn. */
export class Sender {
  readonly #target: DataTarget;
  readonly #budget: BufferBudget;
  readonly #line: SendingStream[] = [];
  #window = DEFAULT_WINDOW_SIZE;
  #queued = 0;

  constructor(target: DataTarget, budget: BufferBudget) {
    this.#target = target;
    this.#budget = budget;
  }

  /** Octets that wait in all streams' queues. */
  get queued(): number {
    return this.#queued;
  }

  /** True when all connections together hold so much that each stream had better hold little. */
  get isCrowded(): boolean {
    return this.#budget.isCrowded;
  }

  /** True when `drain` would get something on its way. */
  get isReady(): boolean {
    return this.#line.length > 0 && this.#window > 0 && this.#target.takesData();
  }

  /** WINDOW_UPDATE of the connection. False: beyond what a window may be. */
  grow(increment: number): boolean {
    this.#window += increment;
    return this.#window <= MAX_WINDOW_SIZE;
  }

  /** Sends of bytes[start, end) what may go at once; returns how far it got. The stream's queue must be empty. */
  send(stream: SendingStream, bytes: Buffer, start: number, end: number, endStream: boolean): number {
    let at = start;
    while (at < end && this.#target.takesData()) {
      const allowed = Math.min(end - at, stream.sendWindow, this.#window);
      if (allowed <= 0) break;
      const sent = this.#target.data(stream.id, bytes, at, at + allowed, endStream && at + allowed === end);
      stream.sendWindow -= sent;
      this.#window -= sent;
      at += sent;
    }
    return at;
  }

  /** The stream is over: `octets` in its queue are thrown away. */
  dropped(stream: SendingStream, octets: number): void {
    this.#queued -= octets;
    this.#budget.give(octets);
    if (!stream.isWaiting) return;
    // while nothing can be sent the line does not move, and each stream that was reset in it would stay
    stream.isWaiting = false;
    this.#line.splice(this.#line.indexOf(stream), 1);
  }

  /** The stream has queued `octets` more, or its window grew. */
  enqueue(stream: SendingStream, octets: number): void {
    this.#queued += octets;
    if (octets > 0) this.#budget.take(octets);
    if (stream.isWaiting || stream.queue.length === 0 || stream.sendWindow <= 0) return;
    stream.isWaiting = true;
    this.#line.push(stream);
  }

  /** Sends from the queues, a quantum each in turn, until windows, socket or queues are exhausted. */
  drain(): void {
    while (this.isReady) {
      const stream = this.#line.shift()!;
      stream.isWaiting = false;
      const left = this.#sendQuantum(stream);
      this.enqueue(stream, 0);
      if (left < QUANTUM) stream.onSent();
    }
  }

  /** Returns what is left of the quantum. */
  #sendQuantum(stream: SendingStream): number {
    const { queue } = stream;
    let left = QUANTUM;
    while (left > 0 && queue.length > 0) {
      const { bytes, start, end } = queue.head;
      const until = Math.min(end, start + left);
      const at = this.send(stream, bytes, start, until, stream.endsWithData && until - start === queue.length);
      queue.advance(at - start);
      this.#queued -= at - start;
      this.#budget.give(at - start);
      left -= at - start;
      if (at < until) break;
    }
    return left;
  }
}
