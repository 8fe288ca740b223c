import { ControlReceiver } from './control-receiver.ts';
import { DataReceiver } from './data-receiver.ts';
import { Http2Error } from './errors.ts';
import type { FrameSink } from './frame-reader.ts';
import { HeadersReceiver } from './headers-receiver.ts';
import type { Life, Parts } from './parts.ts';
import { ErrorCode, Flag, FrameType } from './protocol.ts';

/** Gives each frame to who knows its type, and keeps the two rules about order. */
export class FrameDispatch implements FrameSink {
  readonly #headers: HeadersReceiver;
  readonly #data: DataReceiver;
  readonly #control: ControlReceiver;
  readonly #life: Life;
  #hasSettings = false;

  constructor(parts: Parts) {
    this.#life = parts.life;
    this.#headers = new HeadersReceiver(parts);
    this.#data = new DataReceiver(parts);
    this.#control = new ControlReceiver(parts);
  }

  onDataFrame(streamId: number, length: number, endStream: boolean): void {
    this.#assertOrder(FrameType.DATA, 0, streamId);
    this.#data.onDataFrame(streamId, length, endStream);
  }

  onDataPart(_streamId: number, bytes: Buffer, start: number, end: number, flowLength: number, isEnd: boolean): void {
    this.#data.onDataPart(bytes, start, end, flowLength, isEnd);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#assertOrder(type, flags, streamId);
    switch (type) {
      case FrameType.HEADERS:
        this.#headers.onHeaders(flags, streamId, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.#headers.onContinuation(flags, streamId, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#control.onWindowUpdate(streamId, bytes, start, end);
        break;
      case FrameType.PING:
        this.#control.onPing(flags, streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.#control.onReset(streamId, bytes, start, end);
        break;
      case FrameType.SETTINGS:
        this.#control.onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        this.#control.onGoAway(streamId, bytes, start, end);
        break;
      case FrameType.PRIORITY:
        this.#control.onPriority(streamId, bytes, start, end);
        break;
      case FrameType.PUSH_PROMISE:
        // A server never gets one, and our client forbids it by SETTINGS (RFC 9113 §8.4).
        throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE');
      default:
      // Unknown types are ignored (RFC 9113 §5.5).
    }
  }

  #assertOrder(type: number, flags: number, streamId: number): void {
    if (!this.#hasSettings) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)
        throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'first frame is not SETTINGS');
      this.#hasSettings = true;
      this.#life.onPeerReady();
    }
    const open = this.#headers.openStreamId;
    if (open !== undefined && (type !== FrameType.CONTINUATION || streamId !== open)) {
      throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'a frame inside a header block');
    }
  }
}
