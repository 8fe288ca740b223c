import { Http2Error } from './errors.ts';
import { type Parts, rejectStream } from './parts.ts';
import { ErrorCode } from './protocol.ts';
import type { Stream } from './stream.ts';

/** DATA: both windows, content-length, and the octets on to the stream's handler as they come. */
export class DataReceiver {
  readonly #parts: Parts;
  /** Who gets the frame that is under way; undefined = its octets are dropped. */
  #stream: Stream | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  onDataFrame(streamId: number, length: number, endStream: boolean): void {
    const { streams, guard, receiveWindow, side } = this.#parts;
    if (streams.isIdle(streamId, side)) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `DATA on idle stream ${streamId}`);
    guard.payloadFrame(length === 0 && !endStream);
    if (!receiveWindow.covers(length)) throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the window of the connection');
    const stream = streams.get(streamId);
    this.#stream = undefined;
    if (stream === undefined) {
      if (streams.endingOf(streamId) !== 'local') rejectStream(this.#parts, streamId, ErrorCode.STREAM_CLOSED);
    } else if (stream.received === 'ended') rejectStream(this.#parts, streamId, ErrorCode.STREAM_CLOSED);
    else if (stream.received === 'idle') rejectStream(this.#parts, streamId, ErrorCode.PROTOCOL_ERROR);
    else if (length > stream.receiveWindow) rejectStream(this.#parts, streamId, ErrorCode.FLOW_CONTROL_ERROR);
    else this.#stream = stream;
  }

  onDataPart(bytes: Buffer, start: number, end: number, flowLength: number, isEnd: boolean): void {
    const length = end - start;
    const { receiveWindow, streamHost } = this.#parts;
    const stream = this.#stream;
    const isWanted = stream?.isOpen === true;
    if (receiveWindow.take(flowLength, isWanted ? length : 0)) streamHost.wake();
    if (!isWanted) return;
    stream.take(flowLength, length);
    if (stream.bodyLeft >= 0) {
      stream.bodyLeft -= length;
      if (stream.bodyLeft < 0 || (isEnd && stream.bodyLeft > 0)) {
        rejectStream(this.#parts, stream.id, ErrorCode.PROTOCOL_ERROR);
        return;
      }
    }
    if (length === 0 && !isEnd) return;
    if (isEnd) {
      stream.received = 'ended';
      // what is over is not kept until the next one comes
      this.#stream = undefined;
    }
    stream.handler.onData(bytes.subarray(start, end), isEnd);
    if (isEnd) stream.settle();
  }
}
