import { Http2Error } from './errors.ts';
import { HeaderAssembly, type OpenBlock } from './header-assembly.ts';
import { checkRequest, checkResponse, checkTrailers } from './header-rules.ts';
import type { HeaderField } from './hpack/header-field.ts';
import { type Parts, rejectMessage, rejectStream } from './parts.ts';
import { ErrorCode, Flag } from './protocol.ts';
import { Stream } from './stream.ts';

/** HEADERS and CONTINUATION. Every block is decoded, whatever becomes of its stream: the peer's table has moved on too. */
export class HeadersReceiver {
  readonly #parts: Parts;
  readonly #assembly: HeaderAssembly;

  constructor(parts: Parts) {
    this.#parts = parts;
    // Huffman's longest codes make four octets of one: what is larger cannot be a list within the limit.
    this.#assembly = new HeaderAssembly(parts.limits.maxHeaderListSize * 4, parts.guard, parts.stats);
  }

  /** The stream whose block is not complete; only its CONTINUATION may come. */
  get openStreamId(): number | undefined {
    return this.#assembly.open?.streamId;
  }

  onHeaders(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0 || (this.#parts.side === 'server' && streamId % 2 === 0)) {
      throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `HEADERS on stream ${streamId}`);
    }
    const endStream = (flags & Flag.END_STREAM) !== 0;
    this.#parts.guard.payloadFrame(start === end && !endStream);
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) {
      to -= start < end ? bytes[start]! : 1;
      from += 1;
    }
    if ((flags & Flag.PRIORITY) !== 0) {
      if (from + 5 <= to && readStreamId(bytes, from) === streamId)
        throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `stream ${streamId} depends on itself`);
      from += 5;
    }
    if (from > to) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'HEADERS is padded beyond its frame');
    const block = { streamId, endStream };
    if ((flags & Flag.END_HEADERS) === 0) {
      this.#parts.life.onBlockOpen();
      this.#assembly.begin(block, bytes, from, to);
    } else this.#onBlock(block, bytes, from, to);
  }

  onContinuation(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const { open } = this.#assembly;
    if (open === undefined || open.streamId !== streamId) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION of nothing');
    this.#assembly.continue(bytes, start, end);
    if ((flags & Flag.END_HEADERS) === 0) return;
    const whole = this.#assembly.finish();
    this.#parts.life.onBlockDone();
    this.#onBlock(open, whole, 0, whole.length);
  }

  #onBlock(block: OpenBlock, bytes: Buffer, start: number, end: number): void {
    const fields = this.#parts.decoder.decode(bytes, start, end);
    const { streams, side } = this.#parts;
    const stream = streams.get(block.streamId);
    if (stream === undefined && !(side === 'server' && block.streamId > streams.lastPeerId)) this.#onClosed(block.streamId);
    else if (stream === undefined) this.#onRequest(block, fields);
    else if (stream.received === 'ended') rejectStream(this.#parts, block.streamId, ErrorCode.STREAM_CLOSED);
    else if (fields === undefined) this.#onOverflow(block.streamId);
    else if (stream.received === 'open') this.#onTrailers(stream, block, fields);
    else this.#onResponse(stream, block, fields);
  }

  /** RFC 9113 §5.1 `closed`, §5.1.1. */
  #onClosed(streamId: number): void {
    const { streams, side } = this.#parts;
    if (side === 'client' && streams.isIdle(streamId, side))
      throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `HEADERS on idle stream ${streamId}`);
    const ending = streams.endingOf(streamId);
    if (ending === 'local') return;
    if (ending === 'never') throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `stream ${streamId} is lower than one before`);
    if (ending === 'completed') throw new Http2Error(ErrorCode.STREAM_CLOSED, `HEADERS on closed stream ${streamId}`);
    rejectStream(this.#parts, streamId, ErrorCode.STREAM_CLOSED);
  }

  #onRequest(block: OpenBlock, fields: readonly HeaderField[] | undefined): void {
    const { streams, guard, limits, life, stats } = this.#parts;
    const { streamId } = block;
    streams.peerBegan(streamId);
    guard.streamOpened(streamId);
    if (!life.takesNewStreams || streams.active >= limits.maxConcurrentStreams) {
      stats.streamRefusedErrors.inc();
      this.#refuse(streamId, ErrorCode.REFUSED_STREAM);
      guard.streamCancelled(streamId);
      return;
    }
    if (fields === undefined) {
      this.#countOverflow();
      this.#refuse(streamId, ErrorCode.INTERNAL_ERROR);
      return;
    }
    const facts = checkRequest(fields, limits.allowConnect);
    if (typeof facts === 'string') {
      streams.refused(streamId);
      rejectMessage(this.#parts, streamId, facts);
    } else if (block.endStream && facts.contentLength > 0) this.#refuse(streamId, ErrorCode.PROTOCOL_ERROR);
    else this.#accept(block, fields, facts.contentLength);
  }

  #accept(block: OpenBlock, fields: readonly HeaderField[], contentLength: number): void {
    const { streamHost, streams, peer, own, handler } = this.#parts;
    const stream = new Stream(streamHost, block.streamId, { send: peer.initialWindowSize, receive: own.streamWindow });
    stream.bodyLeft = contentLength;
    streams.add(stream);
    stream.received = block.endStream ? 'ended' : 'open';
    stream.handler = handler.onStream(stream);
    if (stream.isOpen) stream.handler.onHeaders(fields, block.endStream);
    stream.settle();
  }

  #onResponse(stream: Stream, block: OpenBlock, fields: readonly HeaderField[]): void {
    const facts = checkResponse(fields);
    if (typeof facts === 'string') {
      rejectMessage(this.#parts, stream.id, facts);
      return;
    }
    const { status, contentLength } = facts;
    if (status < 200) {
      if (block.endStream) rejectMessage(this.#parts, stream.id, 'END_STREAM on an informational response');
      else stream.handler.onInformational?.(fields);
      return;
    }
    const hasBody = !stream.isHead && status !== 204 && status !== 304;
    if (block.endStream && hasBody && contentLength > 0) {
      rejectStream(this.#parts, stream.id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    if (hasBody) stream.bodyLeft = contentLength;
    stream.received = block.endStream ? 'ended' : 'open';
    stream.handler.onHeaders(fields, block.endStream);
    stream.settle();
  }

  #onTrailers(stream: Stream, block: OpenBlock, fields: readonly HeaderField[]): void {
    const fault = block.endStream ? checkTrailers(fields) : 'trailers without END_STREAM';
    if (fault !== undefined) {
      rejectMessage(this.#parts, stream.id, fault);
      return;
    }
    if (stream.bodyLeft > 0) {
      rejectStream(this.#parts, stream.id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    this.#parts.stats.trailers.inc();
    stream.received = 'ended';
    stream.handler.onTrailers(fields);
    stream.settle();
  }

  #onOverflow(streamId: number): void {
    this.#countOverflow();
    rejectStream(this.#parts, streamId, ErrorCode.INTERNAL_ERROR);
  }

  #countOverflow(): void {
    const { stats, decoder } = this.#parts;
    if (decoder.wasTooLarge) stats.headerListSizeTooLarge.inc();
    else stats.headerOverflow.inc();
  }

  #refuse(streamId: number, code: number): void {
    this.#parts.streams.refused(streamId);
    rejectStream(this.#parts, streamId, code);
  }
}

/** The 31-bit stream id at `at`. */
export function readStreamId(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
