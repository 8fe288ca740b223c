import { ErrorCode, headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock, Http2Stream, StreamHandler, StreamReset } from '../../src/http2/types.ts';
import type { Dice } from './dice.ts';

const ANSWER = headerBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const TRAILERS = headerBlock([['grpc-status', '0']]);
const BODY = Buffer.alloc(40_000, 0x61);

/** What a handler makes of its stream. */
const HABITS = ['echo', 'echo', 'echo', 'answer', 'answer', 'refuse', 'stall', 'late', 'throw'] as const;
type Habit = (typeof HABITS)[number];

/** All streams that handlers of one connection were given. */
export class Watch {
  readonly faults: string[] = [];
  readonly streams: WatchedStream[] = [];
  readonly #dice: Dice;
  readonly #throws: boolean;

  constructor(dice: Dice, throws: boolean) {
    this.#dice = dice;
    this.#throws = throws;
  }

  /** A handler for a stream of the peer's. */
  serve(stream: Http2Stream): StreamHandler {
    const habit = this.#dice.one(HABITS);
    return this.#add(stream, habit === 'throw' && !this.#throws ? 'echo' : habit);
  }

  /** A handler for a stream of our own; `begin` hands it its stream. */
  call(): WatchedStream {
    return this.#add(undefined, this.#dice.one(['answer', 'answer', 'stall', 'late'] as const));
  }

  /** Says so for every stream that has not come to its end, after the connection has. */
  check(): void {
    for (const stream of this.streams) if (!stream.isOver) this.fault(`stream ${stream.id} never ended`);
  }

  fault(what: string): void {
    if (this.faults.length < 10) this.faults.push(what);
  }

  #add(stream: Http2Stream | undefined, habit: Habit): WatchedStream {
    const watched = new WatchedStream(this, this.#dice, habit, stream);
    this.streams.push(watched);
    return watched;
  }
}

/** A handler that holds the engine to its contract: events in order, one end, nothing after it. */
export class WatchedStream implements StreamHandler {
  readonly #watch: Watch;
  readonly #dice: Dice;
  readonly #habit: Habit;
  #stream: Http2Stream | undefined;
  #heard: 'nothing' | 'headers' | 'end' | 'reset' = 'nothing';
  #isReset = false;
  #owed = 0;
  #said: 'nothing' | 'headers' | 'end' = 'nothing';

  constructor(watch: Watch, dice: Dice, habit: Habit, stream: Http2Stream | undefined) {
    this.#watch = watch;
    this.#dice = dice;
    this.#habit = habit;
    this.#stream = stream;
  }

  get id(): number {
    return this.#stream?.id ?? 0;
  }

  /** Ended by the peer, by a reset of either side, or never begun. */
  get isOver(): boolean {
    return this.#isReset || this.#heard === 'reset' || (this.#heard === 'end' && this.#said === 'end') || this.#stream === undefined;
  }

  begin(stream: Http2Stream): void {
    this.#stream = stream;
  }

  /** Says the next thing on a stream of our own. */
  speak(request: HeaderBlock): void {
    const kind = this.#dice.below(12);
    if (this.#said === 'nothing') this.#sayHeaders(request, kind < 3);
    else if (kind === 0) this.#reset(this.#dice.one([ErrorCode.CANCEL, ErrorCode.NO_ERROR]));
    else if (kind < 3) this.#sayTrailers();
    else this.#sayData(BODY.subarray(0, this.#dice.one([0, 20, 500, 3000])), kind === 3);
  }

  /** What was put off: credit, and the rest of the answer. */
  catchUp(): void {
    if (this.#habit === 'late' && this.#said === 'headers' && this.#heard === 'end') this.#sayTrailers();
    if (this.#habit !== 'stall') this.#credit();
  }

  onHeaders(_headers: HeaderBlock, endStream: boolean): void {
    this.#expect('nothing', 'headers');
    this.#heard = endStream ? 'end' : 'headers';
    if (this.#habit === 'throw') throw new Error('a handler throws');
    if (this.#stream === undefined || this.#said !== 'nothing') return;
    if (this.#habit === 'refuse') this.#reset(ErrorCode.CANCEL);
    else if (this.#habit !== 'stall') this.#answer(endStream);
  }

  onInformational(): void {
    this.#expect('nothing', 'an informational answer');
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.#expect('headers', 'data');
    if (endStream) this.#heard = 'end';
    this.#owed += chunk.length;
    if (this.#habit === 'echo') this.#sayData(chunk, endStream);
    else if (this.#habit === 'answer') this.#credit();
    if (endStream && this.#habit === 'stall' && this.#dice.oneIn(3)) this.#reset(ErrorCode.NO_ERROR);
  }

  onTrailers(): void {
    this.#expect('headers', 'trailers');
    this.#heard = 'end';
    if (this.#habit === 'echo') this.#sayTrailers();
  }

  onReset({ code }: StreamReset): void {
    if (this.#heard === 'reset') this.#watch.fault(`stream ${this.id}: a second reset with code ${code}`);
    if (this.#isReset) this.#watch.fault(`stream ${this.id}: a reset after our own`);
    if (this.#heard === 'end' && this.#said === 'end' && !this.#mayWait) this.#watch.fault(`stream ${this.id}: a reset after its end`);
    this.#heard = 'reset';
  }

  onDrain(): void {
    if (this.isOver && !this.#mayWait) this.#watch.fault(`stream ${this.id}: onDrain after its end`);
    this.#credit();
  }

  /** Both sides have ended for us, though not all that we said may have gone out. */
  get #mayWait(): boolean {
    return this.#heard === 'end' && this.#said === 'end' && !this.#isReset;
  }

  #expect(wanted: 'nothing' | 'headers', what: string): void {
    if (this.#isReset) this.#watch.fault(`stream ${this.id}: ${what} after our own reset`);
    else if (this.#heard !== wanted) this.#watch.fault(`stream ${this.id}: ${what} after ${this.#heard}`);
  }

  #answer(isRequestOver: boolean): void {
    this.#sayHeaders(ANSWER, this.#dice.oneIn(6));
    if (this.#habit === 'echo' && isRequestOver) this.#sayTrailers();
    if (this.#habit !== 'answer') return;
    this.#sayData(BODY.subarray(0, this.#dice.one([0, 10, 10, 200, 5000, 40_000])), this.#dice.oneIn(3));
    this.#sayTrailers();
  }

  #sayHeaders(block: HeaderBlock, isEnd: boolean): void {
    if (this.#said !== 'nothing') return;
    this.#said = isEnd ? 'end' : 'headers';
    this.#stream?.sendHeaders(block, isEnd);
  }

  #sayData(chunk: Buffer, isEnd: boolean): void {
    if (this.#said !== 'headers') return;
    if (isEnd) this.#said = 'end';
    if (this.#stream?.sendData(chunk, isEnd)) this.#credit();
  }

  #sayTrailers(): void {
    if (this.#said !== 'headers') return;
    this.#said = 'end';
    this.#stream?.sendTrailers(TRAILERS);
  }

  #reset(code: number): void {
    // the end of both sides came first: the engine has nothing to reset, and says so by ignoring it
    if (this.isOver) return;
    this.#isReset = true;
    this.#stream?.reset(code);
  }

  #credit(): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) this.#stream?.credit(owed);
  }
}
