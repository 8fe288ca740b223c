import { Http2Error } from './errors.ts';
import { CLIENT_PREFACE, DEFAULT_MAX_FRAME_SIZE, ErrorCode, Flag, FRAME_HEADER_SIZE, FrameType } from './protocol.ts';

/** Who is told what was read. Throwing ends the reading; nothing is called after `stop`. */
export interface FrameSink {
  /** A DATA frame begins; `length` is its whole payload, padding included. */
  onDataFrame(streamId: number, length: number, endStream: boolean): void;
  /**
   * Octets of a DATA frame as they arrive; `flowLength` also counts the padding passed on the way. `isEnd` = END_STREAM and nothing of
   * the frame is to come. `bytes` is valid during the call.
   */
  onDataPart(streamId: number, bytes: Buffer, start: number, end: number, flowLength: number, isEnd: boolean): void;
  /** Any other frame, whole. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
}

const EMPTY = Buffer.alloc(0);
const SMALL_CARRY = 64;

/** What the next octets are. */
type Expecting = 'preface' | 'header' | 'payload' | 'pad-length' | 'data' | 'padding';

/** Cuts a byte stream into frames, however it is chunked. DATA is passed on as it comes; only other frames wait to be whole. */
export class FrameReader {
  readonly #sink: FrameSink;
  #expecting: Expecting;
  #isStopped = false;
  /** Octets of the preface, of a frame header or of a payload that did not come in one piece. */
  #carry: Buffer | undefined;
  #carried = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #left = 0;
  #paddingLeft = 0;
  /** Flow-controlled octets read but not yet reported: the pad length octet. */
  #unreported = 0;

  constructor(sink: FrameSink, expectPreface: boolean) {
    this.#sink = sink;
    this.#expecting = expectPreface ? 'preface' : 'header';
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Throws Http2Error for a bad preface, a frame that is too long, or padding that is. */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isStopped) at = this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#expecting) {
      case 'header':
        return this.#readHeader(chunk, at);
      case 'data':
        return this.#readData(chunk, at);
      case 'payload':
        return this.#readPayload(chunk, at);
      case 'pad-length':
        return this.#readPadLength(chunk, at);
      case 'padding':
        return this.#readPadding(chunk, at);
      default:
        return this.#readPreface(chunk, at);
    }
  }

  #readPreface(chunk: Buffer, at: number): number {
    const count = Math.min(CLIENT_PREFACE.length - this.#carried, chunk.length - at);
    if (CLIENT_PREFACE.compare(chunk, at, at + count, this.#carried, this.#carried + count) !== 0) {
      throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'bad client preface');
    }
    this.#carried += count;
    if (this.#carried === CLIENT_PREFACE.length) this.#expect('header');
    return at + count;
  }

  #readHeader(chunk: Buffer, at: number): number {
    if (this.#carried === 0 && chunk.length - at >= FRAME_HEADER_SIZE) {
      this.#beginFrame(chunk, at);
      return at + FRAME_HEADER_SIZE;
    }
    const end = this.#fillCarry(chunk, at, FRAME_HEADER_SIZE);
    if (this.#carried === FRAME_HEADER_SIZE) this.#beginFrame(this.#carry!, 0);
    return end;
  }

  #beginFrame(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.#type = bytes[at + 3]!;
    this.#flags = bytes[at + 4]!;
    this.#streamId = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    this.#carried = 0;
    if (length > DEFAULT_MAX_FRAME_SIZE) {
      throw new Http2Error(ErrorCode.FRAME_SIZE_ERROR, `frame of ${length} octets, at most ${DEFAULT_MAX_FRAME_SIZE} are allowed`);
    }
    this.#left = length;
    if (this.#type === FrameType.DATA) this.#beginData(length);
    else if (length === 0) this.#finishFrame(bytes, 0, 0);
    else this.#expect('payload');
  }

  #beginData(length: number): void {
    this.#sink.onDataFrame(this.#streamId, length, (this.#flags & Flag.END_STREAM) !== 0);
    this.#paddingLeft = 0;
    this.#unreported = 0;
    if ((this.#flags & Flag.PADDED) !== 0) {
      if (length === 0) throw new Http2Error(ErrorCode.FRAME_SIZE_ERROR, 'padded DATA without a pad length');
      this.#expect('pad-length');
    } else if (length === 0) {
      this.#reportData(EMPTY, 0, 0, 0);
    } else this.#expect('data');
  }

  #readPadLength(chunk: Buffer, at: number): number {
    this.#paddingLeft = chunk[at]!;
    this.#left -= 1;
    if (this.#paddingLeft > this.#left) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'DATA is padded beyond its frame');
    this.#left -= this.#paddingLeft;
    this.#unreported = 1;
    if (this.#left > 0) this.#expect('data');
    else if (this.#paddingLeft > 0) this.#expect('padding');
    else this.#reportData(EMPTY, 0, 0, 0);
    return at + 1;
  }

  #readData(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#left, chunk.length);
    this.#left -= end - at;
    if (this.#left === 0 && this.#paddingLeft > 0) this.#expect('padding');
    this.#reportData(chunk, at, end, end - at);
    return end;
  }

  #readPadding(chunk: Buffer, at: number): number {
    const count = Math.min(this.#paddingLeft, chunk.length - at);
    this.#paddingLeft -= count;
    this.#unreported += count;
    if (this.#paddingLeft === 0) this.#reportData(EMPTY, 0, 0, 0);
    return at + count;
  }

  #reportData(bytes: Buffer, start: number, end: number, length: number): void {
    const isWhole = this.#left === 0 && this.#paddingLeft === 0;
    if (isWhole) this.#expect('header');
    const flowLength = length + this.#unreported;
    this.#unreported = 0;
    this.#sink.onDataPart(this.#streamId, bytes, start, end, flowLength, isWhole && (this.#flags & Flag.END_STREAM) !== 0);
  }

  #readPayload(chunk: Buffer, at: number): number {
    if (this.#carried === 0 && chunk.length - at >= this.#left) {
      this.#finishFrame(chunk, at, at + this.#left);
      return at + this.#left;
    }
    const end = this.#fillCarry(chunk, at, this.#left);
    if (this.#carried < this.#left) return end;
    const whole = this.#carry!;
    // An idle connection keeps no more than a header's worth.
    if (whole.length > SMALL_CARRY) this.#carry = undefined;
    this.#finishFrame(whole, 0, this.#left);
    return end;
  }

  #finishFrame(bytes: Buffer, start: number, end: number): void {
    this.#expect('header');
    this.#sink.onFrame(this.#type, this.#flags, this.#streamId, bytes, start, end);
  }

  #fillCarry(chunk: Buffer, at: number, size: number): number {
    if (this.#carry === undefined || this.#carry.length < size) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, SMALL_CARRY));
      this.#carry?.copy(larger, 0, 0, this.#carried);
      this.#carry = larger;
    }
    const count = Math.min(size - this.#carried, chunk.length - at);
    chunk.copy(this.#carry, this.#carried, at, at + count);
    this.#carried += count;
    return at + count;
  }

  #expect(expecting: Expecting): void {
    this.#expecting = expecting;
    this.#carried = 0;
  }
}
