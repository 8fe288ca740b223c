import { Http2Error } from './errors.ts';
import { readStreamId } from './headers-receiver.ts';
import { type Parts, rejectStream } from './parts.ts';
import { ErrorCode, Flag, SettingId } from './protocol.ts';
import { parseSettings } from './settings.ts';

/** More entries than anybody needs; each may cost a look at every stream (nghttp2, and so Envoy, takes 32 as well). */
const MAX_SETTINGS = 32;

/** Every frame type that carries no message: RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, PRIORITY. */
export class ControlReceiver {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    assertConnectionFrame('SETTINGS', streamId);
    const isAck = (flags & Flag.ACK) !== 0;
    if (isAck ? end !== start : (end - start) % 6 !== 0) throw new Http2Error(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS of a wrong length');
    if (isAck) {
      this.#parts.life.onSettingsAck();
      return;
    }
    if (end - start > MAX_SETTINGS * 6) throw new Http2Error(ErrorCode.ENHANCE_YOUR_CALM, 'too many settings in a frame');
    for (const [id, value] of parseSettings(bytes, start, end)) this.#apply(id, value);
    this.#parts.writer.settingsAck();
    this.#parts.guard.replied();
    this.#parts.streamHost.wake();
  }

  #apply(id: number, value: number): void {
    const { writer, peer, life } = this.#parts;
    if (id === SettingId.HEADER_TABLE_SIZE) writer.encoder.setPeerTableSize(value);
    else if (id === SettingId.MAX_FRAME_SIZE) writer.setPeerMaxFrameSize(value);
    else if (id === SettingId.INITIAL_WINDOW_SIZE) this.#resizeWindows(value);
    else if (id === SettingId.MAX_CONCURRENT_STREAMS) {
      const isMore = value > peer.maxConcurrentStreams;
      peer.maxConcurrentStreams = value;
      if (isMore) life.onAvailable();
    }
  }

  /** RFC 9113 §6.9.2: open streams' windows change by the difference, below zero if need be. */
  #resizeWindows(size: number): void {
    const { peer, streams } = this.#parts;
    const difference = size - peer.initialWindowSize;
    peer.initialWindowSize = size;
    for (const stream of streams.list()) {
      if (!stream.growSendWindow(difference)) throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE overflows a window');
    }
  }

  onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    assertConnectionFrame('PING', streamId);
    assertLength('PING', end - start, 8);
    if ((flags & Flag.ACK) !== 0) {
      this.#parts.life.onPingAck(bytes, start);
      return;
    }
    this.#parts.writer.ping(bytes, start, true);
    this.#parts.guard.replied();
    this.#parts.life.onPingAnswered();
  }

  onGoAway(streamId: number, bytes: Buffer, start: number, end: number): void {
    assertConnectionFrame('GOAWAY', streamId);
    if (end - start < 8) throw new Http2Error(ErrorCode.FRAME_SIZE_ERROR, 'GOAWAY of less than 8 octets');
    const code = bytes.readUInt32BE(start + 4);
    this.#parts.life.onGoAway(readStreamId(bytes, start), code, bytes.toString('utf8', start + 8, Math.min(end, start + 8 + 1024)));
  }

  onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { guard, streams, sender, side, streamHost } = this.#parts;
    assertLength('WINDOW_UPDATE', end - start, 4);
    guard.windowUpdateFrame();
    const increment = readStreamId(bytes, start);
    if (streamId === 0) {
      if (increment === 0) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE by 0');
      if (!sender.grow(increment))
        throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, 'WINDOW_UPDATE overflows the window of the connection');
      if (sender.isReady) streamHost.wake();
      return;
    }
    if (streams.isIdle(streamId, side)) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `WINDOW_UPDATE on idle stream ${streamId}`);
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) rejectStream(this.#parts, streamId, ErrorCode.PROTOCOL_ERROR);
    else if (!stream.growSendWindow(increment)) rejectStream(this.#parts, streamId, ErrorCode.FLOW_CONTROL_ERROR);
  }

  onReset(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { streams, side, stats, guard } = this.#parts;
    assertLength('RST_STREAM', end - start, 4);
    if (streamId === 0 || streams.isIdle(streamId, side))
      throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `RST_STREAM on idle stream ${streamId}`);
    stats.rxReset.inc();
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    const code = bytes.readUInt32BE(start);
    const isPremature = side === 'server' && !stream.hasFinishedSending;
    stream.fail({ code, origin: side === 'client' && code === ErrorCode.REFUSED_STREAM ? 'refused' : 'peer' });
    if (isPremature) guard.streamCancelled(streamId);
  }

  /** Deprecated and without effect, but for its form (RFC 9113 §5.3.2, §6.3). */
  onPriority(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { streams, side, guard } = this.#parts;
    if (streamId === 0) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'PRIORITY on stream 0');
    guard.priorityFrame();
    const dependsOnItself = end - start === 5 && readStreamId(bytes, start) === streamId;
    if (end - start === 5 && !dependsOnItself) return;
    const code = dependsOnItself ? ErrorCode.PROTOCOL_ERROR : ErrorCode.FRAME_SIZE_ERROR;
    // An idle stream cannot be reset.
    if (streams.isIdle(streamId, side)) throw new Http2Error(code, 'bad PRIORITY');
    rejectStream(this.#parts, streamId, code);
  }
}

function assertConnectionFrame(name: string, streamId: number): void {
  if (streamId !== 0) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `${name} on stream ${streamId}`);
}

function assertLength(name: string, length: number, wanted: number): void {
  if (length !== wanted) throw new Http2Error(ErrorCode.FRAME_SIZE_ERROR, `${name} of ${length} octets, ${wanted} are needed`);
}
