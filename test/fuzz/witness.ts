import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { ErrorCode, errorCodeName, Flag, FrameType } from '../../src/http2/protocol.ts';
import { type Frame, FrameSplitter } from './frame-splitter.ts';
import { Allowance } from './windows.ts';

const MAX_FRAME = 16_384;
const PREFACE_LENGTH = 24;

/** How far the engine is with a stream. */
type Said = 'open' | 'ended' | 'reset';

export interface WitnessOptions {
  /** Which side of the connection the engine is. */
  readonly side: 'server' | 'client';
  /** A handler of the test throws on purpose. */
  readonly mayThrow: boolean;
  /** The engine's listener may take its peer for one that speaks HTTP/1: then nothing is looked at. */
  readonly mayAnswerInText: boolean;
}

/** Watches one connection from outside: whatever the engine was sent, what it sends must be right. Keeps the first faults. */
export class Witness {
  readonly faults: string[] = [];
  /** What the engine may send, and what its peer may. */
  readonly allowedToEngine: Allowance = new Allowance();
  readonly allowedToPeer: Allowance = new Allowance();
  /** Code of the GOAWAY that ended it. */
  goAwayCode: number | undefined;
  readonly #out: FrameSplitter;
  readonly #in: FrameSplitter;
  readonly #decoder = new HpackDecoder({ maxBytes: 1 << 20, maxFields: 10_000 });
  readonly #streams = new Map<number, Said>();
  readonly #onFrame: (frame: Frame) => void;
  #block: { readonly streamId: number; readonly pieces: Buffer[] } | undefined;
  #hasBegun = false;
  #lastStreamId = 0x7fff_ffff;
  readonly #options: WitnessOptions;

  /** `onFrame` gets every frame of the engine. */
  constructor(options: WitnessOptions, onFrame: (frame: Frame) => void) {
    const { side } = options;
    this.#options = options;
    this.#onFrame = onFrame;
    this.#out = new FrameSplitter(side === 'client' ? PREFACE_LENGTH : 0, MAX_FRAME, (frame) => this.#onEngineFrame(frame));
    this.#in = new FrameSplitter(side === 'server' ? PREFACE_LENGTH : 0, MAX_FRAME, (frame) => {
      this.allowedToEngine.onAllowing(frame);
      if (frame.type === FrameType.SETTINGS && (frame.flags & Flag.ACK) !== 0) this.allowedToPeer.onAcknowledged();
    });
  }

  /** Octets that the engine gets. */
  toEngine(bytes: Buffer): void {
    this.#in.push(bytes);
  }

  fromEngine(bytes: Buffer): void {
    if (this.#options.mayAnswerInText) return;
    if (!this.#out.push(bytes)) this.#fault('a frame of more than 16384 octets');
  }

  #onEngineFrame(frame: Frame): void {
    this.#order(frame);
    this.allowedToPeer.onAllowing(frame);
    if (this.allowedToPeer.fault !== undefined) this.#fault(this.allowedToPeer.fault);
    switch (frame.type) {
      case FrameType.DATA:
        this.#onStream(frame);
        this.#check(this.allowedToEngine.onSending(frame.streamId, frame.payload.length));
        break;
      case FrameType.HEADERS:
      case FrameType.CONTINUATION:
        this.#onHeaders(frame);
        break;
      case FrameType.RST_STREAM:
        this.#streams.set(frame.streamId, 'reset');
        break;
      case FrameType.SETTINGS:
        if ((frame.flags & Flag.ACK) !== 0) this.#check(this.allowedToEngine.onAcknowledged());
        break;
      case FrameType.WINDOW_UPDATE:
        if (frame.payload.readUInt32BE(0) === 0) this.#fault('WINDOW_UPDATE by 0');
        if (this.#streams.get(frame.streamId) === 'reset') this.#fault(`WINDOW_UPDATE on stream ${frame.streamId} after its reset`);
        break;
      case FrameType.GOAWAY:
        this.#onGoAway(frame.payload);
        break;
      case FrameType.PING:
        break;
      default:
        this.#fault(`a frame of type ${frame.type}`);
    }
    this.#onFrame(frame);
  }

  #order({ type, flags, streamId }: Frame): void {
    if (!this.#hasBegun && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) this.#fault('something before SETTINGS');
    this.#hasBegun = true;
    if (this.#block !== undefined && (type !== FrameType.CONTINUATION || streamId !== this.#block.streamId)) {
      this.#fault('a frame inside a header block');
    }
  }

  #onStream({ type, flags, streamId }: Frame): void {
    const said = this.#streams.get(streamId);
    const what = type === FrameType.DATA ? 'DATA' : 'HEADERS';
    if (said === 'ended' || said === 'reset') this.#fault(`${what} on stream ${streamId} after it was ${said}`);
    if (said === undefined && type === FrameType.DATA) this.#fault(`DATA on stream ${streamId} before HEADERS`);
    if (this.goAwayCode !== undefined) this.#fault(`${what} after the connection was ended`);
    this.#streams.set(streamId, (flags & Flag.END_STREAM) !== 0 ? 'ended' : 'open');
  }

  #onHeaders(frame: Frame): void {
    if (frame.type === FrameType.HEADERS) {
      this.#onStream(frame);
      this.#block = { streamId: frame.streamId, pieces: [] };
    }
    if (this.#block === undefined) {
      this.#fault('CONTINUATION of nothing');
      return;
    }
    this.#block.pieces.push(frame.payload);
    if ((frame.flags & Flag.END_HEADERS) === 0) return;
    const { pieces } = this.#block;
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    this.#block = undefined;
    try {
      this.#decoder.decode(bytes, 0, bytes.length);
    } catch (error) {
      this.#fault(`a header block that cannot be decoded: ${String(error)}`);
    }
  }

  #onGoAway(payload: Buffer): void {
    const [lastStreamId, code] = [payload.readUInt32BE(0), payload.readUInt32BE(4)];
    if (lastStreamId > this.#lastStreamId) this.#fault('GOAWAY with a higher last stream than before');
    this.#lastStreamId = lastStreamId;
    if (code === ErrorCode.NO_ERROR) return;
    this.goAwayCode = code;
    // Only something thrown inside becomes INTERNAL_ERROR of a connection.
    if (code === ErrorCode.INTERNAL_ERROR && !this.#options.mayThrow) this.#fault(`GOAWAY with ${errorCodeName(code)}`);
  }

  #check(fault: string | undefined): void {
    if (fault !== undefined) this.#fault(fault);
  }

  #fault(what: string): void {
    if (this.faults.length < 10) this.faults.push(what);
  }
}
