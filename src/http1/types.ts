// The HTTP/1.1 engine's contract: exchanges are shown as the HTTP/2 engine shows streams, so that one request path serves both.
import type { Clock } from '../core/index.ts';
import type { HeaderBlock, Http2Stream, StreamHandler } from '../http2/types.ts';

/** Limits of both sides; defaults are Envoy's (Http1ProtocolOptions, HttpProtocolOptions). */
export interface Http1Options {
  /** Octets of one message's head; 60 KiB. */
  readonly maxHeaderListSize?: number;
  /** Fields in one head; 100. */
  readonly maxHeaderFields?: number;
  /** Octets of a body that may wait before `sendData` says false; 64 KiB, or less. */
  readonly streamBufferLimit?: number;
  /** enable_trailers: trailers are passed on; off: they are read and dropped. */
  readonly trailers?: boolean;
}

/** What a server's connections stand on. */
export interface Http1ServerOptions extends Http1Options {
  /** After our last octet the peer has this long to read it and close; what else it sends is dropped (delayed_close_timeout); 1 s. */
  readonly closeGraceMs?: number;
  readonly clock: Clock;
}

/** Why something that came is no request that may be passed on. */
export interface Http1Problem {
  readonly kind: 'protocol' | 'timeout' | 'upgrade' | 'no host';
  /** Status and text of the answer. */
  readonly status: number;
  readonly text: string;
  /** %RESPONSE_CODE_DETAILS%, in Envoy's words. */
  readonly details: string;
  /** What was read of the request; may be empty. */
  readonly headers: HeaderBlock;
}

/** As of an HTTP/2 stream, and what only a connection that is read in order knows. */
export interface Http1StreamHandler extends StreamHandler {
  /** Instead of, or after, `onHeaders`: answer unless an answer has begun. The connection ends behind it; no other event follows. */
  onInvalid(problem: Http1Problem): void;
}

/** What happens on a server's connection. */
export interface Http1ServerHandler {
  /** The next request, once the one before is answered. */
  onStream(stream: Http2Stream): Http1StreamHandler;
  /** Called once; the open stream got its `onReset` before. `error` is undefined after an orderly end. */
  onClose(error: Error | undefined): void;
}

/** What a server's connection is doing: nothing; the head of a request has begun to come; a request is served; the rest of an answer waits to be read. */
export type Http1Phase = 'quiet' | 'head' | 'exchange' | 'flush';

/** One accepted connection. */
export interface Http1ServerConnection {
  readonly phase: Http1Phase;
  /** 1 while a request is served or comes in, else 0. */
  readonly activeStreams: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The head did not come in time: answers 408 and ends. Only in phase `head`. */
  expire(): void;
  /** Ends behind the request that is served, at once when there is none; is cut after `deadlineMs`. Resolves when closed. */
  drain(deadlineMs: number): Promise<void>;
  /** Cuts it. */
  destroy(): void;
}

/** What happens on a client's connection. */
export interface Http1ClientHandler {
  /** An exchange is over and another one may begin. */
  onAvailable(): void;
  /** The peer said that it will close behind this response. */
  onCloseNotify(): void;
  /** What the peer sent is no response that may be passed on. */
  onProtocolError(): void;
  /** Called once; the open stream got its `onReset` before. */
  onClose(): void;
}

/** One connection to a server: one exchange at a time. */
export interface Http1ClientConnection {
  /** True when an exchange may begin. */
  readonly acceptsStreams: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** A new exchange; undefined unless `acceptsStreams`. */
  openStream(handler: StreamHandler): Http2Stream | undefined;
  /** Cuts it. */
  destroy(): void;
}
