import { ByteQueue } from './byte-queue.ts';
import type { FrameWriter } from './frame-writer.ts';
import { findField, statusOf } from './hpack/header-field.ts';
import { ErrorCode, MAX_WINDOW_SIZE } from './protocol.ts';
import type { Sender, SendingStream } from './sender.ts';
import type { HeaderBlock, Http2Stream, StreamHandler, StreamReset } from './types.ts';

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly writer: FrameWriter;
  readonly sender: Sender;
  readonly limits: { readonly streamBufferLimit: number; readonly connectionBufferLimit: number };
  /** A stream gives credit only for what is at least this, unless the peer waits for it. */
  readonly creditStep: number;
  /** Frames were written: flush at the end of the turn. */
  wake(): void;
  /** A client's stream is about to send its first frame: gives it its id and windows. */
  begin(stream: Stream): void;
  /** RST_STREAM was written for one of its streams. */
  resetSent(): void;
  /** `octets` received on a stream have moved on. */
  released(octets: number): void;
  /** The stream is over and leaves the table. `sentReset` = frames of the peer may still be under way. */
  over(stream: Stream, ending: 'completed' | 'peer' | 'local'): void;
}

/** What a stream may hold while its connection, or all of them, hold too much. */
const CROWDED_BUFFER_LIMIT = 65_536;

/** What stands behind the queued octets of a stream. */
type Tail =
  | { readonly kind: 'none' }
  | { readonly kind: 'end' }
  | { readonly kind: 'trailers'; readonly block: HeaderBlock }
  | { readonly kind: 'reset' };

const NO_TAIL: Tail = { kind: 'none' };
const END_TAIL: Tail = { kind: 'end' };
const RESET_TAIL: Tail = { kind: 'reset' };

/** One direction: nothing yet; fields were sent and data may follow; ended. */
type Side = 'idle' | 'open' | 'ended';

/** Shared by all streams that never queued: nothing is ever pushed to it. */
const NOTHING_QUEUED = new ByteQueue();
const DEAF: StreamHandler = { onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} };

/** RFC 9113 §5.1, seen as two directions that end on their own. */
export class Stream implements Http2Stream, SendingStream {
  id: number;
  /** Set before anything is called on it. */
  handler: StreamHandler = DEAF;
  sendWindow: number;
  isWaiting = false;
  /** One of its own from the first octet that has to wait: most streams have none. */
  queue: ByteQueue = NOTHING_QUEUED;
  /** Octets the peer may still send. */
  receiveWindow: number;
  received: Side = 'idle';
  /** Body octets still to come by content-length; -1 when none was declared. */
  bodyLeft = -1;
  /** A client's HEAD request: content-length of its answer means nothing. */
  isHead = false;
  readonly #host: StreamHost;
  #sent: Side = 'idle';
  #tail: Tail = NO_TAIL;
  #isOver = false;
  #resetBehindTail = false;
  #wantsDrain = false;
  /** Received and not yet credited by the handler. */
  #held = 0;
  /** Credited by the handler, not yet told to the peer. */
  #creditDue = 0;
  /** Octets that were queued when `isStalled` was last asked. */
  #unread = 0;

  constructor(host: StreamHost, id: number, windows: { readonly send: number; readonly receive: number }) {
    this.#host = host;
    this.id = id;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  get endsWithData(): boolean {
    return this.#tail.kind === 'end';
  }

  /** True when our side has said all, though it may still be queued. */
  get hasFinishedSending(): boolean {
    return this.#sent === 'ended';
  }

  sendHeaders(headers: HeaderBlock, endStream: boolean): void {
    if (this.#isOver || this.#sent !== 'idle') return;
    const isInformational = !endStream && statusOf(headers) < 200;
    if (!isInformational) this.#sent = endStream ? 'ended' : 'open';
    if (this.id === 0) this.#begin(headers);
    this.#host.writer.headers(this.id, headers, endStream);
    this.#host.wake();
    if (endStream) this.settle();
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#isOver || this.#sent !== 'open') return true;
    if (endStream) this.#sent = 'ended';
    const at = this.queue.length === 0 ? this.#sendNow(chunk, endStream) : 0;
    if (at === chunk.length && this.queue.length === 0) {
      if (endStream) this.settle();
      return true;
    }
    if (endStream) this.#tail = END_TAIL;
    if (this.queue === NOTHING_QUEUED) this.queue = new ByteQueue();
    this.queue.push(chunk, at);
    this.#host.sender.enqueue(this, chunk.length - at);
    this.#wantsDrain ||= this.queue.length > this.#bufferLimit;
    return !this.#wantsDrain;
  }

  sendTrailers(trailers: HeaderBlock): void {
    if (this.#isOver || this.#sent !== 'open') return;
    this.#sent = 'ended';
    if (this.queue.length > 0) {
      this.#tail = { kind: 'trailers', block: trailers };
      return;
    }
    this.#host.writer.headers(this.id, trailers, true);
    this.#host.wake();
    this.settle();
  }

  reset(code: number): void {
    if (this.#isOver) return;
    // A handler that is being told of the end: there is nothing left to reset.
    if (this.received === 'ended' && this.#sent === 'ended' && this.queue.length === 0) return;
    // RFC 9113 §8.1: NO_ERROR asks the client to stop a body nobody needs; the response before it must arrive whole.
    if (code === ErrorCode.NO_ERROR && this.queue.length > 0) {
      if (this.#tail.kind === 'none') this.#tail = RESET_TAIL;
      else this.#resetBehindTail = true;
      this.#sent = 'ended';
      this.handler = DEAF;
      return;
    }
    this.#cut(code);
  }

  credit(bytes: number): void {
    if (this.#isOver) return;
    const released = Math.min(bytes, this.#held);
    this.#held -= released;
    this.#host.released(released);
    this.#addCredit(released);
  }

  #addCredit(octets: number): void {
    if (this.received === 'ended') return;
    this.#creditDue += octets;
    if (this.#creditDue < this.#host.creditStep) return;
    this.#host.writer.windowUpdate(this.id, this.#creditDue);
    this.#host.wake();
    this.receiveWindow += this.#creditDue;
    this.#creditDue = 0;
  }

  /** DATA came: `flowLength` octets of window, of which `held` wait for the handler's credit. */
  take(flowLength: number, held: number): void {
    this.receiveWindow -= flowLength;
    this.#held += held;
    if (flowLength > held) this.#addCredit(flowLength - held);
  }

  /** WINDOW_UPDATE, or a change of the peer's INITIAL_WINDOW_SIZE. False: beyond what a window may be. */
  growSendWindow(increment: number): boolean {
    this.sendWindow += increment;
    if (this.sendWindow > MAX_WINDOW_SIZE) return false;
    if (this.sendWindow > 0 && this.queue.length > 0) {
      this.#host.sender.enqueue(this, 0);
      this.#host.wake();
    }
    return true;
  }

  onSent(): void {
    if (this.#isOver) return;
    if (this.queue.length === 0) this.#finishTail();
    if (!this.#wantsDrain || this.#isOver || this.queue.length > this.#bufferLimit / 2) return;
    this.#wantsDrain = false;
    this.handler.onDrain();
  }

  /** True when it has nothing left but to be read, and nothing of it was since the last call. */
  isStalled(): boolean {
    const wasThere = this.#unread;
    this.#unread = this.#sent === 'ended' ? this.queue.length : 0;
    return this.#unread > 0 && this.#unread === wasThere;
  }

  /** Over without a frame of ours: RST_STREAM came, or the connection is gone. The handler is told. */
  fail(reset: StreamReset): void {
    if (this.#isOver) return;
    // what the peer sends on a stream that its GOAWAY gave up is under way still
    this.#leave(reset.origin === 'local' || reset.origin === 'refused' ? 'local' : 'peer');
    this.handler.onReset(reset);
  }

  /** RST_STREAM of our own accord, for a fault of the peer; the handler is told. */
  failLocally(code: number): void {
    if (this.#isOver) return;
    this.#cut(code);
    this.handler.onReset({ code, origin: 'local' });
  }

  get #bufferLimit(): number {
    const { limits, sender } = this.#host;
    return sender.queued > limits.connectionBufferLimit || sender.isCrowded ? CROWDED_BUFFER_LIMIT : limits.streamBufferLimit;
  }

  #begin(headers: HeaderBlock): void {
    this.isHead = findField(headers, ':method')?.value === 'HEAD';
    this.#host.begin(this);
  }

  #sendNow(chunk: Buffer, endStream: boolean): number {
    this.#host.wake();
    if (chunk.length > 0) return this.#host.sender.send(this, chunk, 0, chunk.length, endStream);
    if (endStream) this.#host.writer.data(this.id, chunk, 0, 0, true);
    return 0;
  }

  #finishTail(): void {
    const tail = this.#tail;
    this.#tail = NO_TAIL;
    if (tail.kind === 'trailers') this.#host.writer.headers(this.id, tail.block, true);
    if (tail.kind === 'reset' || this.#resetBehindTail) this.#cut(ErrorCode.NO_ERROR);
    else if (tail.kind !== 'none') this.settle();
  }

  /** Leaves when both sides have ended. */
  settle(): void {
    if (!this.#isOver && this.received === 'ended' && this.#sent === 'ended' && this.queue.length === 0 && this.#tail.kind === 'none') {
      this.#leave('completed');
    }
  }

  #cut(code: number): void {
    // A client's stream that never began has nothing to reset.
    if (this.id !== 0) {
      this.#host.writer.reset(this.id, code);
      this.#host.resetSent();
      this.#host.wake();
    }
    this.#leave('local');
  }

  #leave(ending: 'completed' | 'peer' | 'local'): void {
    this.#isOver = true;
    this.#tail = NO_TAIL;
    if (this.queue.length > 0) {
      this.#host.sender.dropped(this, this.queue.length);
      this.queue.clear();
    }
    this.#host.released(this.#held);
    this.#host.over(this, ending);
  }
}
