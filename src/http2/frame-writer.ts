import { HpackEncoder } from './hpack/encoder.ts';
import type { Output } from './output.ts';
import { DEFAULT_MAX_FRAME_SIZE, Flag, FRAME_HEADER_SIZE, FrameType } from './protocol.ts';
import { SLAB_SIZE } from './slab-pool.ts';
import type { HeaderBlock } from './types.ts';

/** A slab with less room than this is sent before DATA is cut to it. */
const MIN_DATA_ROOM = 1024;

/** Writes frames of every type into an Output. */
export class FrameWriter {
  readonly encoder: HpackEncoder = new HpackEncoder();
  /** The peer's SETTINGS_MAX_FRAME_SIZE; we use no more than a quarter slab of it. */
  #maxFrameSize: number = DEFAULT_MAX_FRAME_SIZE;
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Octets that go out as they are: the client preface. */
  raw(bytes: Uint8Array): void {
    const at = this.#output.reserve(bytes.length);
    this.#output.slab.set(bytes, at);
    this.#output.advance(at + bytes.length);
  }

  headers(streamId: number, block: HeaderBlock, endStream: boolean): void {
    const bound = this.encoder.bound(block);
    const endFlag = endStream ? Flag.END_STREAM : 0;
    if (bound > DEFAULT_MAX_FRAME_SIZE) {
      this.#longHeaders(streamId, block, endFlag, bound);
      return;
    }
    const at = this.#output.reserve(FRAME_HEADER_SIZE + bound);
    const { slab } = this.#output;
    const end = this.encoder.encode(block, slab, at + FRAME_HEADER_SIZE);
    writeFrameHeader(slab, at, end - at - FRAME_HEADER_SIZE, FrameType.HEADERS, endFlag | Flag.END_HEADERS, streamId);
    this.#output.advance(end);
  }

  /** HEADERS and CONTINUATION in one write: nothing may come between them (RFC 9113 §6.10). */
  #longHeaders(streamId: number, block: HeaderBlock, endFlag: number, bound: number): void {
    const encoded = Buffer.allocUnsafeSlow(bound);
    const length = this.encoder.encode(block, encoded, 0);
    const frames = Math.max(1, Math.ceil(length / DEFAULT_MAX_FRAME_SIZE));
    const result = Buffer.allocUnsafeSlow(length + frames * FRAME_HEADER_SIZE);
    let at = 0;
    for (let frame = 0; frame < frames; frame += 1) {
      const from = frame * DEFAULT_MAX_FRAME_SIZE;
      const size = Math.min(DEFAULT_MAX_FRAME_SIZE, length - from);
      const type = frame === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const flags = (frame === 0 ? endFlag : 0) | (frame === frames - 1 ? Flag.END_HEADERS : 0);
      at = writeFrameHeader(result, at, size, type, flags, streamId);
      at += encoded.copy(result, at, from, from + size);
    }
    this.#output.writeThrough(result);
  }

  /** One DATA frame with as many of bytes[start, end) as fit; returns how many went. END_STREAM only if it is asked for and all went. */
  data(streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): number {
    const wanted = Math.min(end - start, this.#maxFrameSize);
    if (this.#output.room < FRAME_HEADER_SIZE + Math.min(wanted, MIN_DATA_ROOM)) this.#output.makeRoom();
    const size = Math.min(wanted, this.#output.room - FRAME_HEADER_SIZE);
    const at = this.#output.reserve(FRAME_HEADER_SIZE + size);
    const { slab } = this.#output;
    const isLast = endStream && start + size === end;
    const from = writeFrameHeader(slab, at, size, FrameType.DATA, isLast ? Flag.END_STREAM : 0, streamId);
    bytes.copy(slab, from, start, start + size);
    this.#output.advance(from + size);
    return size;
  }

  reset(streamId: number, code: number): void {
    this.#word(FrameType.RST_STREAM, streamId, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#word(FrameType.WINDOW_UPDATE, streamId, increment);
  }

  /** `entries` in order; RFC 9113 §6.5.1. */
  settings(entries: readonly (readonly [id: number, value: number])[]): void {
    const size = entries.length * 6;
    const at = this.#output.reserve(FRAME_HEADER_SIZE + size);
    const { slab } = this.#output;
    let end = writeFrameHeader(slab, at, size, FrameType.SETTINGS, 0, 0);
    for (const [id, value] of entries) {
      slab[end] = id >>> 8;
      slab[end + 1] = id;
      end = writeWord(slab, end + 2, value);
    }
    this.#output.advance(end);
  }

  settingsAck(): void {
    const at = this.#output.reserve(FRAME_HEADER_SIZE);
    this.#output.advance(writeFrameHeader(this.#output.slab, at, 0, FrameType.SETTINGS, Flag.ACK, 0));
  }

  /** `bytes` has eight octets from `start`. */
  ping(bytes: Uint8Array, start: number, isAck: boolean): void {
    const at = this.#output.reserve(FRAME_HEADER_SIZE + 8);
    const { slab } = this.#output;
    const from = writeFrameHeader(slab, at, 8, FrameType.PING, isAck ? Flag.ACK : 0, 0);
    for (let index = 0; index < 8; index += 1) slab[from + index] = bytes[start + index]!;
    this.#output.advance(from + 8);
  }

  /** `debug` is cut to what is sensible in a frame. */
  goAway(lastStreamId: number, code: number, debug: string): void {
    const text = Buffer.from(debug.slice(0, 1024));
    const at = this.#output.reserve(FRAME_HEADER_SIZE + 8 + text.length);
    const { slab } = this.#output;
    const from = writeFrameHeader(slab, at, 8 + text.length, FrameType.GOAWAY, 0, 0);
    const debugAt = writeWord(slab, writeWord(slab, from, lastStreamId), code);
    this.#output.advance(debugAt + text.copy(slab, debugAt));
  }

  setPeerMaxFrameSize(size: number): void {
    this.#maxFrameSize = Math.min(size, SLAB_SIZE / 4);
  }

  #word(type: number, streamId: number, value: number): void {
    const at = this.#output.reserve(FRAME_HEADER_SIZE + 4);
    const from = writeFrameHeader(this.#output.slab, at, 4, type, 0, streamId);
    this.#output.advance(writeWord(this.#output.slab, from, value));
  }
}

function writeFrameHeader(target: Buffer, at: number, length: number, type: number, flags: number, streamId: number): number {
  target[at] = length >>> 16;
  target[at + 1] = length >>> 8;
  target[at + 2] = length;
  target[at + 3] = type;
  target[at + 4] = flags;
  return writeWord(target, at + 5, streamId);
}

function writeWord(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}
