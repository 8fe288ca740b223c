// The HTTP/2 engine's contract: connections and streams as plain calls, no Node stream a request. No policy lives here.

/** A field's name: one object for each text, as long as there are not too many different ones. */
export interface FieldName {
  /** Lower-case; pseudo-header fields begin with ':'. */
  readonly text: string;
  /** For whoever handles the fields: what the name means to it, so that it is looked up once a name. 0 until it is set. */
  mark: number;
}

/**
 * One header field, made by `field` or by the engine; immutable but for `memo`. `value` is decoded when first asked for: a proxy that only
 * passes a field on never decodes it, the encoder writes the bytes as they came (Huffman-coded or not). Values are latin-1, as RFC 9110
 * §5.5 octets. A field that a peer's compression table keeps is the same object each time it comes.
 */
export interface Field {
  /** `fieldName.text`. */
  readonly name: string;
  readonly fieldName: FieldName;
  readonly value: string;
  /** True when the peer asked that it never be indexed (RFC 7541 §6.2.3); kept when passed on. */
  readonly neverIndexed: boolean;
  /** For whoever handles the field: what it made of the value. undefined until it is set. */
  memo: unknown;
}

/** Fields in order, pseudo-header fields first. */
export type HeaderBlock = readonly Field[];

/** Why a stream ended early. */
export interface StreamReset {
  /** RFC 9113 §7 error code. */
  readonly code: number;
  /** `peer`: RST_STREAM. `connection`: the connection died. `refused`: GOAWAY or REFUSED_STREAM, surely not processed. `local`: our own protocol check, of the stream or of its connection. */
  readonly origin: 'peer' | 'connection' | 'refused' | 'local';
}

/** What happens on one stream, called in order; nothing is called after `onReset`, nor after both sides ended. */
export interface StreamHandler {
  /** The request's fields (server) or the final response's (client). */
  onHeaders(headers: HeaderBlock, endStream: boolean): void;
  /** A 1xx response (client only). */
  onInformational?(headers: HeaderBlock): void;
  /** `chunk` is valid only during the call: copy what must outlive it. May be empty when `endStream`. Give credit when it has moved on. */
  onData(chunk: Buffer, endStream: boolean): void;
  /** Trailers; they end the peer's side. */
  onTrailers(trailers: HeaderBlock): void;
  onReset(reset: StreamReset): void;
  /** After `sendData` returned false: what waited is below the limit again. */
  onDrain(): void;
}

/** One stream. Every call on a stream that is over is ignored. */
export interface Http2Stream {
  /** 0 until the first frame is written (client streams that wait for a slot have none yet). */
  readonly id: number;
  /** True until both sides ended or it was reset. */
  readonly isOpen: boolean;
  sendHeaders(headers: HeaderBlock, endStream: boolean): void;
  /** Takes the bytes (copying what cannot be written now). False: more than the buffer limit waits, give no more before `onDrain`. */
  sendData(chunk: Buffer, endStream: boolean): boolean;
  sendTrailers(trailers: HeaderBlock): void;
  /** RST_STREAM; with NO_ERROR (0) ordered behind what waits, with another code at once, dropping what waits. No `onReset` follows. */
  reset(code: number): void;
  /** Lets the peer send `bytes` more: call it when received data has moved on. */
  credit(bytes: number): void;
}

/** Limits and windows; defaults are Envoy's (config/core/v3/protocol.proto, Http2ProtocolOptions). */
export interface Http2Options {
  /** Streams the peer may have open at once; 1024. */
  readonly maxConcurrentStreams?: number;
  /** SETTINGS_HEADER_TABLE_SIZE we offer; 4096. */
  readonly hpackTableSize?: number;
  /** Per-stream receive window in bytes; 16 MiB in Envoy, ours 1 MiB: credit is given as data moves on. */
  readonly initialStreamWindowSize?: number;
  /** Receive window of the connection in bytes; 24 MiB. */
  readonly initialConnectionWindowSize?: number;
  /** Bytes that may wait on one stream before `sendData` says false; 1 MiB (per_connection_buffer_limit_bytes). */
  readonly streamBufferLimit?: number;
  /** Bytes that may wait on all streams together before each may hold no more than 64 KiB; 16 MiB. */
  readonly connectionBufferLimit?: number;
  /** Decoded size of one header list in bytes, 32 per field counted as RFC 9113 §6.5.2; 60 KiB. */
  readonly maxHeaderListSize?: number;
  /** Fields in one header list; 100. */
  readonly maxHeaderFields?: number;
  /** Extended CONNECT (RFC 8441): offered by SETTINGS and accepted; off. Plain CONNECT is always passed to the handler. */
  readonly allowConnect?: boolean;
  /** A malformed message resets its stream only; off: it ends the connection (stream_error_on_invalid_http_message). */
  readonly streamErrorOnInvalidMessage?: boolean;
  /** Frames of all types that may wait in the socket because the peer does not read; 10 000. */
  readonly maxOutboundFrames?: number;
  /** Answers (PING, SETTINGS, RST_STREAM) that may wait unsent; 1000. */
  readonly maxOutboundControlFrames?: number;
  /** Empty DATA, HEADERS or CONTINUATION frames in a row that end nothing; 1. */
  readonly maxConsecutiveEmptyFrames?: number;
  /** PRIORITY frames per opened stream; 100. */
  readonly maxPriorityFramesPerStream?: number;
  /** WINDOW_UPDATE frames per DATA frame we sent; 10. */
  readonly maxWindowUpdatesPerDataFrame?: number;
  /**
   * Requests that the peer may reset one by one as it sends them; 500 (Envoy's overload.premature_reset_total_stream_count). Twice as
   * many, and never fewer than streams may be open, when it sends several before it resets them. Completed streams and time make up for them: what counts
   * is more than that in a second.
   */
  readonly maxPrematureResets?: number;
  /** How long a client may take for its preface and SETTINGS (server only); 15 s. */
  readonly prefaceTimeoutMs?: number;
  /** How long a header block may take from HEADERS to the end of its CONTINUATION frames; 15 s. */
  readonly headersTimeoutMs?: number;
  /** How long a peer may take to read why a connection ends (delayed_close_timeout); 1 s. */
  readonly closeGraceMs?: number;
}

/** What happens on a connection. */
export interface ConnectionHandler {
  /** A new stream of the peer (server only). Its handler's `onHeaders` follows at once. */
  onStream(stream: Http2Stream): StreamHandler;
  /** The peer takes no new streams: open another connection for later ones. */
  onGoAway?(lastStreamId: number, code: number, debug: string): void;
  /** All slots were taken and one is free again, or the peer's limit rose: `openStream` may work again. */
  onAvailable?(): void;
  /**
   * The connection is over; every open stream got its `onReset` before. `error` is undefined after an orderly end. Called once, at the
   * latest before `destroy` returns; the socket itself may linger a second so that the peer can read why.
   */
  onClose(error: Error | undefined): void;
}

/** One HTTP/2 connection over a socket that speaks it already (prior knowledge or ALPN h2). */
export interface Http2Connection {
  readonly isOpen: boolean;
  /** False after GOAWAY in either direction, near stream-id exhaustion, or when closed. */
  readonly acceptsStreams: boolean;
  readonly activeStreams: number;
  /** The peer's SETTINGS_MAX_CONCURRENT_STREAMS; Infinity until it says. */
  readonly peerMaxConcurrentStreams: number;
  /** Bytes read and written so far, for stats. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** A new stream (client only); undefined when `acceptsStreams` is false or the peer's limit is reached. */
  openStream(handler: StreamHandler): Http2Stream | undefined;
  /** PING; calls back with the round trip in ms. */
  ping(onAck: (roundTripMs: number) => void): void;
  /** Two-step GOAWAY: announces, lets streams end, then closes (RFC 9113 §6.8). Resolves when closed; `deadlineMs` after the call the rest is cut. */
  drain(deadlineMs: number): Promise<void>;
  /**
   * Ask at the intervals in which a peer must have read something: resets streams that have only to be read and were not since the last
   * call, and ends the connection when its socket has not moved at all. Counted as tx_flush_timeout.
   */
  dropStalled(): void;
  /** Closes at once with GOAWAY `code`. */
  destroy(code?: number): void;
}
