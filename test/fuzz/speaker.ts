import { ErrorCode, Flag, FrameType, SettingId } from '../../src/http2/protocol.ts';
import { setting, u32 } from '../support/http2-raw.ts';
import type { Dice } from './dice.ts';
import type { Frame } from './frame-splitter.ts';
import { HeadersWriter, type Pairs } from './headers.ts';
import { frameOf } from './octets.ts';

/** A stream as its speaker sees it. */
export interface Spoken {
  readonly id: number;
  /** Said so far on this side. */
  said: 'nothing' | 'headers' | 'end';
  /** Octets of window left for our DATA. */
  window: number;
}

const NOTHING = Buffer.alloc(0);
const BODY = Buffer.alloc(9000, 'body');
const ZEROS = Buffer.alloc(256);
/** DATA is cut to this, so that bodies take many frames. */
const SIZES = [0, 1, 5, 5, 40, 40, 100, 300, 300, 1500, 9000] as const;

/** One side of a connection that speaks HTTP/2 as it should: what it says next is up to the dice. Frames come out one by one. */
export abstract class Speaker {
  protected readonly dice: Dice;
  protected readonly headers: HeadersWriter;
  protected readonly streams: Map<number, Spoken> = new Map();
  /** Frames that must be said before anything else, in order. */
  readonly #due: Buffer[] = [];
  #window = 65_535;
  #peerInitialWindow = 65_535;
  #dataFramesHeard = 0;
  #updates = 0;
  #owed = 0;

  constructor(dice: Dice) {
    this.dice = dice;
    this.headers = new HeadersWriter(dice);
  }

  /** What is said on streams; undefined when there is nothing to say at the moment. */
  protected abstract speak(): Buffer[] | undefined;
  protected abstract onHeaders(frame: Frame): void;

  /** The next frame; undefined when there is nothing to say at the moment. */
  next(): Buffer | undefined {
    if (this.#due.length === 0) for (const one of this.#choose() ?? []) this.#due.push(one);
    return this.#due.shift();
  }

  /** A frame came from the engine. */
  hear(heard: Frame): void {
    const { type, flags, streamId, payload } = heard;
    const isAck = (flags & Flag.ACK) !== 0;
    if (type === FrameType.SETTINGS && !isAck) this.#hearSettings(payload);
    else if (type === FrameType.PING && !isAck) this.later(frameOf('PING', Flag.ACK, 0, Buffer.from(payload)));
    else if (type === FrameType.WINDOW_UPDATE) this.#hearCredit(streamId, payload.readUInt32BE(0));
    else if (type === FrameType.DATA) {
      this.#dataFramesHeard += 1;
      this.#owed += payload.length;
    } else if (type === FrameType.HEADERS) this.onHeaders(heard);
    else if (type === FrameType.RST_STREAM) this.streams.delete(streamId);
  }

  /** Says it behind what is being said: no header block is broken. */
  protected later(...frames: readonly Buffer[]): void {
    this.#due.push(...frames);
  }

  protected open(id: number): Spoken {
    const spoken: Spoken = { id, said: 'nothing', window: this.#peerInitialWindow };
    this.streams.set(id, spoken);
    return spoken;
  }

  protected sayHeaders(stream: Spoken, pairs: Pairs, isEnd: boolean): Buffer[] {
    stream.said = isEnd ? 'end' : 'headers';
    if (isEnd) this.streams.delete(stream.id);
    return this.headers.write(stream.id, pairs, isEnd ? Flag.END_STREAM : 0);
  }

  /** DATA within the windows, padded or not, whole or in small frames. Empty only at the end: empty frames in between are an offence. */
  protected sayData(stream: Spoken): Buffer[] {
    const isEnd = this.dice.oneIn(4);
    const padding = this.dice.oneIn(8) ? this.dice.below(30) : -1;
    const spent = padding < 0 ? 0 : padding + 1;
    const size = Math.min(this.dice.one(SIZES), Math.min(stream.window, this.#window) - spent);
    if (size < 0 || (size === 0 && !isEnd)) return [];
    if (isEnd) this.streams.delete(stream.id);
    stream.window -= size + spent;
    this.#window -= size + spent;
    const octets = BODY.subarray(0, size);
    const flags = isEnd ? Flag.END_STREAM : 0;
    if (padding < 0) return [frameOf('DATA', flags, stream.id, octets)];
    return [frameOf('DATA', flags | Flag.PADDED, stream.id, [padding], octets, ZEROS.subarray(0, padding))];
  }

  protected sayReset(stream: Spoken): Buffer[] {
    this.streams.delete(stream.id);
    return [frameOf('RST_STREAM', 0, stream.id, u32(this.dice.one(Object.values(ErrorCode))))];
  }

  protected anyStream(): Spoken | undefined {
    const all = [...this.streams.values()];
    return all.length === 0 ? undefined : this.dice.one(all);
  }

  #choose(): Buffer[] | undefined {
    return this.dice.oneIn(5) ? this.#control() : this.speak();
  }

  /** Frames of the connection; windows are given as fast as they are used, with little waste. */
  #control(): Buffer[] {
    const { dice } = this;
    const kind = dice.below(12);
    if (kind < 5) return this.#credit();
    if (kind < 8) return [frameOf('PING', 0, 0, dice.octets(8))];
    if (kind === 8) return [frameOf('SETTINGS', 0, 0, this.settings())];
    if (kind === 9) return [frameOf('PRIORITY', 0, dice.between(1, 99), Buffer.from([0, 0, 0, 0, 9]))];
    if (kind === 10) return [frameOf(dice.between(10, 255), dice.below(256), dice.below(50), dice.octets(dice.below(20)))];
    return dice.oneIn(8) ? [frameOf('GOAWAY', 0, 0, u32(0x7fff_ffff, 0), Buffer.from('bye'))] : [];
  }

  #credit(): Buffer[] {
    if (this.#updates > 4 + this.#dataFramesHeard) return [];
    this.#updates += 1;
    const streamId = this.anyStream()?.id ?? 0;
    if (this.#owed > 0 && !this.dice.oneIn(3)) {
      const owed = this.#owed;
      this.#owed = 0;
      return [frameOf('WINDOW_UPDATE', 0, 0, u32(owed))];
    }
    return [frameOf('WINDOW_UPDATE', 0, this.dice.oneIn(2) ? streamId : 0, u32(this.dice.between(1, 70_000)))];
  }

  /** Any settings that a peer may have. */
  protected settings(): Buffer {
    const { dice } = this;
    const chosen: Buffer[] = [];
    if (dice.oneIn(3)) chosen.push(setting(SettingId.INITIAL_WINDOW_SIZE, dice.one([0, 1, 100, 16_384, 65_535, 1 << 20])));
    if (dice.oneIn(3)) chosen.push(setting(SettingId.HEADER_TABLE_SIZE, dice.one([0, 64, 1000, 4096, 65_536])));
    if (dice.oneIn(4)) chosen.push(setting(SettingId.MAX_CONCURRENT_STREAMS, dice.one([0, 1, 10, 100, 0xffff_ffff])));
    if (dice.oneIn(4)) chosen.push(setting(SettingId.MAX_FRAME_SIZE, dice.one([16_384, 16_385, 16_777_215])));
    if (dice.oneIn(6)) chosen.push(setting(0x7777, dice.below(100)));
    return chosen.length === 0 ? NOTHING : Buffer.concat(chosen);
  }

  #hearSettings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const [id, value] = [payload.readUInt16BE(at), payload.readUInt32BE(at + 2)];
      if (id === SettingId.HEADER_TABLE_SIZE) this.headers.setTableSize(value);
      if (id !== SettingId.INITIAL_WINDOW_SIZE) continue;
      for (const stream of this.streams.values()) stream.window += value - this.#peerInitialWindow;
      this.#peerInitialWindow = value;
    }
    this.later(frameOf('SETTINGS', Flag.ACK, 0));
  }

  #hearCredit(streamId: number, increment: number): void {
    if (streamId === 0) this.#window += increment;
    const stream = this.streams.get(streamId);
    if (stream) stream.window += increment;
  }
}
