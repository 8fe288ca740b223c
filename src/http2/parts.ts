import type { AbuseGuard } from './abuse-guard.ts';
import type { Http2CodecStats } from './codec-stats.ts';
import { Http2Error } from './errors.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { HpackDecoder } from './hpack/decoder.ts';
import { ErrorCode } from './protocol.ts';
import type { ReceiveWindow } from './receive-window.ts';
import type { Sender } from './sender.ts';
import type { Limits } from './settings.ts';
import type { StreamHost } from './stream.ts';
import type { StreamTable } from './stream-table.ts';
import type { ConnectionHandler } from './types.ts';

export type Side = 'server' | 'client';

/** What the peer's SETTINGS say so far. */
export interface PeerSettings {
  initialWindowSize: number;
  maxConcurrentStreams: number;
}

/** What the handlers of the frame types share: the parts of one connection. */
export interface Parts {
  readonly side: Side;
  readonly limits: Limits;
  readonly stats: Http2CodecStats;
  readonly guard: AbuseGuard;
  readonly decoder: HpackDecoder;
  readonly writer: FrameWriter;
  readonly sender: Sender;
  readonly streams: StreamTable;
  readonly receiveWindow: ReceiveWindow;
  readonly peer: PeerSettings;
  /** Receive window of a new stream: 65 535 at least until the peer knows a smaller one. */
  readonly own: { streamWindow: number };
  readonly streamHost: StreamHost;
  readonly handler: ConnectionHandler;
  /** Frames that change the life of the connection. */
  readonly life: Life;
}

/** What frames do to the connection as a whole. */
export interface Life {
  /** False once we said by GOAWAY which streams were the last: later ones are refused. */
  readonly takesNewStreams: boolean;
  /** The peer's first SETTINGS came. */
  onPeerReady(): void;
  /** The answer to a PING was written. */
  onPingAnswered(): void;
  onPingAck(bytes: Buffer, start: number): void;
  onGoAway(lastStreamId: number, code: number, debug: string): void;
  onSettingsAck(): void;
  /** A header block began that its frame does not end. */
  onBlockOpen(): void;
  /** It ended. */
  onBlockDone(): void;
  /** More streams may be opened. */
  onAvailable(): void;
}

/**
 * RST_STREAM for a fault of the peer; a stream still in the table tells its handler. A request that is made to be reset costs as much as
 * one that the peer resets itself (CVE-2025-8671), and counts as such.
 */
export function rejectStream(parts: Parts, streamId: number, code: number): void {
  parts.guard.replied();
  const stream = parts.streams.get(streamId);
  if (stream !== undefined) {
    const isPremature = parts.side === 'server' && !stream.hasFinishedSending;
    stream.failLocally(code);
    if (isPremature) parts.guard.streamCancelled(streamId);
    return;
  }
  parts.writer.reset(streamId, code);
  parts.streamHost.resetSent();
  parts.streamHost.wake();
}

/** RFC 9113 §8.1.1, with Envoy's choice between the stream and the whole connection. */
export function rejectMessage(parts: Parts, streamId: number, fault: string): void {
  parts.stats.rxMessagingError.inc();
  if (!parts.limits.streamErrorOnInvalidMessage) throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `stream ${streamId}: ${fault}`);
  rejectStream(parts, streamId, ErrorCode.PROTOCOL_ERROR);
}
