import type { Duplex } from 'node:stream';
import { type Clock, lastWord, RingwayError } from '../core/index.ts';
import { endSocket, readChunks } from '../transport/index.ts';
import { AbuseGuard } from './abuse-guard.ts';
import { type BudgetMember, type BufferBudget, UNLIMITED } from './buffer-budget.ts';
import { createCodecStats } from './codec-stats.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { CLOSED, lossOf, OPEN, type State } from './connection-state.ts';
import { Http2Error } from './errors.ts';
import { type Flushable, flushLater } from './flush-queue.ts';
import { FrameDispatch } from './frame-dispatch.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { Output } from './output.ts';
import type { Life, Parts, Side } from './parts.ts';
import { PingAnswer } from './ping-answer.ts';
import { PingBook } from './ping-book.ts';
import { CLIENT_PREFACE, DEFAULT_WINDOW_SIZE, ErrorCode, MAX_STREAM_ID } from './protocol.ts';
import { type Awaited, ReadDeadline } from './read-deadline.ts';
import { ReceiveWindow } from './receive-window.ts';
import { Sender } from './sender.ts';
import { type Limits, ownSettings, withDefaults } from './settings.ts';
import { largestQueue, StallCheck } from './stall-check.ts';
import { Stream, type StreamHost } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import type { ConnectionHandler, Http2Connection, Http2Stream, StreamHandler } from './types.ts';

/** Takes over a socket on which a client speaks HTTP/2 from its first octet (or from `initialBytes`). Writes our SETTINGS at once. */
export function createServerConnection(socket: Duplex, options: ConnectionOptions, handler: ConnectionHandler): Http2Connection {
  return new Connection('server', socket, options, handler);
}

/** Takes over a connected socket to a server that speaks HTTP/2. Preface and SETTINGS leave with the first request of the same turn. */
export function createClientConnection(socket: Duplex, options: ConnectionOptions, handler: ConnectionHandler): Http2Connection {
  return new Connection('client', socket, options, handler);
}

class Connection implements Http2Connection, StreamHost, Life, Flushable, BudgetMember {
  readonly writer: FrameWriter;
  readonly sender: Sender;
  readonly limits: Limits;
  readonly creditStep: number;
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #output: Output;
  readonly #reader: FrameReader;
  readonly #pings: PingBook;
  readonly #pingAnswer: PingAnswer;
  readonly #parts: Parts;
  readonly #budget: BufferBudget;
  readonly #deadline: ReadDeadline;
  readonly #stalls: StallCheck;
  #state: State = OPEN;
  #isFlushDue = false;
  #bytesRead = 0;
  #onDrained: (() => void)[] = [];

  constructor(side: Side, socket: Duplex, options: ConnectionOptions, handler: ConnectionHandler) {
    const limits = withDefaults(options);
    const stats = options.stats ?? createCodecStats();
    this.#socket = socket;
    this.#budget = options.budget ?? UNLIMITED;
    this.#budget.join(this);
    this.#clock = options.clock;
    this.limits = limits;
    this.creditStep = Math.max(1, limits.initialStreamWindowSize >>> 1);
    this.#output = new Output(socket, this.#budget);
    this.writer = new FrameWriter(this.#output);
    const guard = new AbuseGuard(limits, stats, options.clock);
    this.#deadline = new ReadDeadline(options.clock, (what) => this.#onLate(what));
    const target = {
      data: (streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): number => {
        guard.dataFrameSent();
        return this.writer.data(streamId, bytes, start, end, endStream);
      },
      takesData: (): boolean => this.#output.takesData,
    };
    this.sender = new Sender(target, this.#budget);
    this.#pings = new PingBook(options.clock);
    this.#pingAnswer = new PingAnswer(options.clock, () => this.wake());
    this.#parts = {
      side,
      limits,
      stats,
      guard,
      handler,
      decoder: new HpackDecoder({ maxBytes: limits.maxHeaderListSize, maxFields: limits.maxHeaderFields }),
      writer: this.writer,
      sender: this.sender,
      streams: new StreamTable(options.firstStreamId),
      receiveWindow: new ReceiveWindow(this.writer, limits.initialConnectionWindowSize),
      peer: { initialWindowSize: DEFAULT_WINDOW_SIZE, maxConcurrentStreams: Number.POSITIVE_INFINITY },
      own: { streamWindow: Math.max(limits.initialStreamWindowSize, DEFAULT_WINDOW_SIZE) },
      streamHost: this,
      life: this,
    };
    this.#stalls = new StallCheck(this.#parts.streams, this.#output);
    this.#reader = new FrameReader(new FrameDispatch(this.#parts), side === 'server');
    this.#start(options.initialBytes);
  }

  get isOpen(): boolean {
    return this.#state.kind !== 'closed';
  }

  get acceptsStreams(): boolean {
    return this.#state.kind === 'open' && this.#parts.streams.hasIdsLeft;
  }

  get activeStreams(): number {
    return this.#parts.streams.active;
  }

  get peerMaxConcurrentStreams(): number {
    return this.#parts.peer.maxConcurrentStreams;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#output.written;
  }

  get takesNewStreams(): boolean {
    return this.#state.kind !== 'draining' || this.#state.lastStreamId === undefined;
  }

  openStream(handler: StreamHandler): Http2Stream | undefined {
    const { side, streams, peer, own } = this.#parts;
    if (side === 'server') throw new Error('a server opens no streams');
    if (!this.acceptsStreams || streams.active >= peer.maxConcurrentStreams) return undefined;
    const stream = new Stream(this, 0, { send: 0, receive: own.streamWindow });
    stream.handler = handler;
    streams.reserve(stream);
    return stream;
  }

  ping(onAck: (roundTripMs: number) => void): void {
    if (!this.isOpen) return;
    this.writer.ping(this.#pings.add(onAck), 0, false);
    this.wake();
  }

  drain(deadlineMs: number): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    const drained = new Promise<void>((resolve) => this.#onDrained.push(resolve));
    if (this.#state.kind !== 'draining') this.#announceDrain(deadlineMs);
    return drained;
  }

  destroy(code: number = ErrorCode.NO_ERROR): void {
    this.#close(code === ErrorCode.NO_ERROR ? undefined : new Http2Error(code, 'closed by us'), code, '');
  }

  dropStalled(): void {
    const { stats } = this.#parts;
    const stalled = this.#stalls.look();
    stats.txFlushTimeout.inc(stalled === 'connection' ? 1 : stalled.length);
    if (stalled === 'connection') this.#close(new RingwayError('peer reads nothing', { code: 'HTTP2_STALLED' }), ErrorCode.NO_ERROR, '');
    else
      this.#guarded(() => {
        for (const stream of stalled) stream.failLocally(ErrorCode.CANCEL);
      });
  }

  get buffered(): number {
    return this.sender.queued + this.#output.waiting;
  }

  relieve(): void {
    const isInSocket = this.#output.waiting > this.sender.queued;
    const largest = isInSocket ? undefined : largestQueue(this.#parts.streams);
    this.#guarded(() => largest?.failLocally(ErrorCode.ENHANCE_YOUR_CALM));
    if (largest) return;
    this.#close(new RingwayError('unread octets of all connections are too many', { code: 'HTTP2_OVERLOADED' }), undefined, '');
    this.#socket.destroy();
  }

  // What streams ask of us.

  wake(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    flushLater(this);
  }

  resetSent(): void {
    this.#parts.stats.txReset.inc();
  }

  begin(stream: Stream): void {
    this.#parts.streams.start(stream);
    this.#parts.guard.streamOpened(stream.id);
    stream.sendWindow = this.#parts.peer.initialWindowSize;
  }

  released(octets: number): void {
    if (octets > 0 && this.#parts.receiveWindow.release(octets)) this.wake();
  }

  over(stream: Stream, ending: 'completed' | 'peer' | 'local'): void {
    const { streams, peer, guard, side, handler } = this.#parts;
    const wasFull = streams.active >= peer.maxConcurrentStreams;
    streams.remove(stream, ending);
    if (ending === 'completed') guard.streamCompleted();
    if (!this.isOpen) return;
    if (wasFull && this.acceptsStreams) handler.onAvailable?.();
    if (streams.active > 0) return;
    if (this.#pingAnswer.isWaiting || this.#state.kind === 'draining' || (this.#state.kind === 'leaving' && side === 'client')) this.wake();
  }

  // What frames ask of us.

  onPeerReady(): void {
    this.#deadline.end();
  }

  onBlockOpen(): void {
    this.#deadline.begin('headers', this.limits.headersTimeoutMs);
  }

  onBlockDone(): void {
    this.#deadline.end();
  }

  onPingAnswered(): void {
    this.#pingAnswer.written();
  }

  onPingAck(bytes: Buffer, start: number): void {
    this.#pings.acknowledged(bytes, start);
  }

  onSettingsAck(): void {
    const { limits, decoder, own, streams } = this.#parts;
    decoder.setMaxTableSize(limits.hpackTableSize);
    const shrunk = own.streamWindow - limits.initialStreamWindowSize;
    if (shrunk <= 0) return;
    own.streamWindow = limits.initialStreamWindowSize;
    for (const stream of streams.list()) stream.receiveWindow -= shrunk;
  }

  onAvailable(): void {
    if (this.acceptsStreams) this.#parts.handler.onAvailable?.();
  }

  onGoAway(lastStreamId: number, code: number, debug: string): void {
    const { streams, handler, side } = this.#parts;
    if (this.#state.kind === 'open') this.#state = { kind: 'leaving', code, debug };
    handler.onGoAway?.(lastStreamId, code, debug);
    if (side === 'server') return;
    // one that has not begun can no longer begin here
    for (const stream of [...streams.list(), ...streams.listUnstarted()]) {
      if (stream.id === 0 || stream.id > lastStreamId) stream.fail({ code: ErrorCode.REFUSED_STREAM, origin: 'refused' });
    }
    if (streams.active === 0) this.wake();
  }

  // The turn's end.

  flush(): void {
    this.#isFlushDue = false;
    this.#pingAnswer.left();
    this.#guarded(() => {
      this.sender.drain();
      this.#finishIfDrained();
    });
    this.#output.flush();
    this.#guarded(() => this.#parts.guard.flushed(this.#output.written, this.#output.sent, this.#output.frames));
  }

  // The socket.

  #start(initialBytes: Buffer | undefined): void {
    const socket = this.#socket;
    const { side, limits, receiveWindow } = this.#parts;
    if (side === 'client') this.writer.raw(CLIENT_PREFACE);
    this.writer.settings(ownSettings(limits, side));
    receiveWindow.open();
    if (side === 'server') this.#deadline.begin('preface', limits.prefaceTimeoutMs);
    this.wake();
    socket.on('drain', () => {
      this.#output.reclaim();
      this.wake();
    });
    socket.on('error', (error) => this.#close(error, undefined, ''));
    socket.on('end', () => this.#onSocketEnd());
    socket.on('close', () => this.#onSocketEnd());
    // Octets that come on the heels of those must not pass while nobody listens.
    if (initialBytes !== undefined) socket.pause();
    // Not before the caller has the connection in hand.
    queueMicrotask(() => {
      if (initialBytes !== undefined) this.#onRead(initialBytes);
      readChunks(socket, (chunk) => this.#onRead(chunk));
      // Whoever looked at the first octets may have left the socket paused.
      socket.resume();
    });
  }

  #onRead(chunk: Buffer): void {
    if (this.#state.kind === 'closed') return;
    this.#bytesRead += chunk.length;
    this.#guarded(() => this.#reader.read(chunk));
    if (this.isOpen) this.#pingAnswer.readOver(this.#parts.streams.active > 0 && !this.#isFlushDue && this.sender.queued === 0);
  }

  /** A fault of the peer, or of a handler, ends this connection and nothing else. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof Http2Error) this.#close(error, error.errorCode, error.debug);
      else this.#close(error instanceof Error ? error : new Error(String(error)), ErrorCode.INTERNAL_ERROR, '');
    }
  }

  #onSocketEnd(): void {
    this.#close(lossOf(this.#state, this.#parts.streams.active), undefined, '');
  }

  #onLate(what: Awaited): void {
    const { stats } = this.#parts;
    (what === 'preface' ? stats.prefaceTimeout : stats.headerTimeout).inc();
    this.#close(new RingwayError(`no whole ${what} in time`, { code: 'HTTP2_TIMEOUT' }), ErrorCode.NO_ERROR, `no whole ${what} in time`);
  }

  // The end.

  #announceDrain(deadlineMs: number): void {
    const timer = this.#clock.after(deadlineMs, () => this.destroy());
    if (this.#parts.side === 'client') {
      this.#state = { kind: 'draining', lastStreamId: 0, timer };
      this.writer.goAway(0, ErrorCode.NO_ERROR, '');
    } else {
      // RFC 9113 §6.8: the first GOAWAY names no last stream; a round trip later every stream the client could have sent is here.
      this.#state = { kind: 'draining', lastStreamId: undefined, timer };
      this.writer.goAway(MAX_STREAM_ID, ErrorCode.NO_ERROR, '');
      this.ping(() => this.#nameLastStream());
    }
    this.#parts.stats.goawaySent.inc();
    this.wake();
  }

  #nameLastStream(): void {
    if (this.#state.kind !== 'draining') return;
    const { lastPeerId } = this.#parts.streams;
    this.#state = { ...this.#state, lastStreamId: lastPeerId };
    this.writer.goAway(lastPeerId, ErrorCode.NO_ERROR, '');
    this.wake();
  }

  #finishIfDrained(): void {
    if (this.#parts.streams.active > 0) return;
    const isLeft = this.#state.kind === 'leaving' && this.#parts.side === 'client';
    const isDrained = this.#state.kind === 'draining' && this.#state.lastStreamId !== undefined;
    if (isLeft || isDrained) this.#close(undefined, undefined, '');
  }

  /** `code` = say GOAWAY; without one the socket just ends. Runs once. */
  #close(error: Error | undefined, code: number | undefined, debug: string): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#state = CLOSED;
    if (state.kind === 'draining') state.timer.cancel();
    this.#reader.stop();
    this.#deadline.end();
    this.#pingAnswer.left();
    const { streams, handler, stats } = this.#parts;
    if (code !== undefined) {
      // RFC 9113 §6.8: what a GOAWAY before has named is not raised
      const named = state.kind === 'draining' ? state.lastStreamId : undefined;
      this.writer.goAway(named ?? streams.lastPeerId, code, debug);
      stats.goawaySent.inc();
    }
    this.#output.flush();
    endSocket(this.#socket, this.#clock, this.limits.closeGraceMs);
    let cause = error;
    const origin = code === undefined || code === ErrorCode.NO_ERROR ? 'connection' : 'local';
    for (const stream of [...streams.list(), ...streams.listUnstarted()]) {
      try {
        stream.fail({ code: code ?? ErrorCode.CANCEL, origin });
      } catch (thrown) {
        cause ??= thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    }
    this.#output.close();
    this.#budget.leave(this);
    for (const resolve of this.#onDrained) resolve();
    lastWord(() => handler.onClose(cause));
  }
}
