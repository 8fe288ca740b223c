// What a listener and the filters of its chains agree on.
import type { Duplex } from 'node:stream';
import type { Dependencies } from '../runtime/types.ts';

/** An accepted connection. */
export interface Accepted {
  readonly socket: Duplex;
  /** ip:port of the peer. */
  readonly remote: string;
  /** ip:port it came to. */
  readonly local: string;
  /** What the handshake agreed on; null: plain TCP. `alpn`: a protocol, '' for none. */
  readonly tls: { readonly alpn: string } | null;
}

/** A connection that a filter owns. */
export interface ActiveConnection {
  /** Tells the peer to go; what runs may end, and is cut after `deadlineMs`. */
  drain(deadlineMs: number): void;
  /** Cuts it. */
  close(): void;
}

/** The one filter at the end of a chain: it takes over connections. */
export interface NetworkFilter {
  /** `onClosed` is called once, not before this returned. */
  accept(accepted: Accepted, onClosed: () => void): ActiveConnection;
}

/** What a filter may know of the listener it stands in. */
export interface ListenerContext {
  /** Where it listens, as stats name it: `127.0.0.1:9096`. */
  readonly address: string;
  /** per_connection_buffer_limit_bytes; 1 MiB. */
  readonly bufferLimit: number;
}

/** A compiled filter and the resources it names. */
export interface CompiledFilter {
  readonly filter: NetworkFilter;
  readonly dependencies: Dependencies;
}
