import type { Duplex } from 'node:stream';
import type { Timer } from '../../../core/index.ts';
import { createServerConnection, looksLikeHttp2Preface } from '../../../http2/index.ts';
import type { Http2Connection } from '../../../http2/types.ts';
import type { Sweepable } from '../idle-sweep.ts';
import type { Accepted, ActiveConnection } from '../types.ts';
import type { HttpContext } from './context.ts';
import { answerHttp1 } from './http1.ts';
import { HttpStream, type StreamOwner } from './stream.ts';

/** How long an idle connection that is told to go may take to say so. */
const IDLE_CLOSE_MS = 5000;
/** How long a connection may take to show which protocol it speaks; then it is cut. */
const SNIFF_MS = 15_000;

/** What the connection speaks. */
type State =
  | { readonly kind: 'sniffing'; readonly timer: Timer }
  | { readonly kind: 'http2'; readonly connection: Http2Connection }
  | { readonly kind: 'closed' };

/** One accepted connection of a connection manager: finds out its protocol, then turns its streams into requests. */
export class HttpConnection implements ActiveConnection, StreamOwner, Sweepable {
  lastTick = 0;
  sweepSlot = -1;
  readonly idleTimeoutMs: number | null;
  readonly remote: string;
  readonly local: string;
  readonly remoteIp: string;
  readonly isSecure: boolean;
  readonly #context: HttpContext;
  readonly #socket: Duplex;
  readonly #onClosed: () => void;
  readonly #startMs: number;
  #state: State;
  #sniffed: Buffer = Buffer.alloc(0);
  #countedRead = 0;
  #countedWritten = 0;

  constructor(context: HttpContext, accepted: Accepted, onClosed: () => void) {
    this.#context = context;
    this.#socket = accepted.socket;
    this.#onClosed = onClosed;
    this.remote = accepted.remote;
    this.local = accepted.local;
    this.isSecure = 'encrypted' in accepted.socket;
    this.remoteIp = accepted.remote.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    this.idleTimeoutMs = context.settings.connectionIdleTimeoutMs;
    const { clock } = context.deps;
    this.#startMs = clock.monotonicMs();
    context.stats.downstreamCxTotal.value += 1;
    context.stats.downstreamCxActive.value += 1;
    context.connections.add(this);
    if (context.settings.codec === 'HTTP2') this.#state = this.#speakHttp2(undefined);
    else {
      this.#state = { kind: 'sniffing', timer: clock.after(SNIFF_MS, () => this.close()) };
      this.#socket.on('data', this.#onSniffed);
      this.#socket.on('error', () => {});
      this.#socket.once('close', this.#onSniffingClosed);
    }
  }

  drain(deadlineMs: number): void {
    if (this.#state.kind === 'http2') void this.#state.connection.drain(deadlineMs);
    else this.close();
  }

  close(): void {
    if (this.#state.kind === 'http2') this.#state.connection.destroy();
    else this.#socket.destroy();
  }

  onStreamOver(): void {
    this.#touch();
    this.#countBytes();
  }

  onIdle(): void {
    if (this.#state.kind !== 'http2' || this.#state.connection.activeStreams > 0) return;
    this.#touch();
    this.#context.stats.downstreamCxIdleTimeout.value += 1;
    void this.#state.connection.drain(IDLE_CLOSE_MS);
  }

  readonly #onSniffed = (chunk: Buffer): void => {
    this.#sniffed = Buffer.concat([this.#sniffed, chunk]);
    const verdict = looksLikeHttp2Preface(this.#sniffed);
    if (verdict === 'more') return;
    this.#stopSniffing();
    if (verdict === 'yes') this.#state = this.#speakHttp2(this.#sniffed);
    else {
      this.#context.stats.downstreamCxProtocolError.value += 1;
      this.#socket.once('close', this.#onSniffingClosed);
      answerHttp1(this.#socket, this.#sniffed, this.#context.deps.clock);
    }
  };

  readonly #onSniffingClosed = (): void => {
    this.#stopSniffing();
    this.#closed();
  };

  #stopSniffing(): void {
    if (this.#state.kind === 'sniffing') this.#state.timer.cancel();
    this.#socket.off('data', this.#onSniffed);
    this.#socket.off('close', this.#onSniffingClosed);
  }

  #speakHttp2(initialBytes: Buffer | undefined): State {
    const { settings, stats, deps, bufferLimit } = this.#context;
    stats.downstreamCxHttp2Total.value += 1;
    stats.downstreamCxHttp2Active.value += 1;
    const connection = createServerConnection(
      this.#socket,
      {
        ...settings.http2,
        streamBufferLimit: bufferLimit,
        clock: deps.clock,
        stats: stats.codec,
        ...(initialBytes ? { initialBytes } : {}),
      },
      {
        onStream: (stream) => {
          this.#touch();
          return new HttpStream(this.#context, this, stream);
        },
        onClose: (error) => {
          if (error && isProtocolError(error)) stats.downstreamCxProtocolError.value += 1;
          stats.downstreamCxHttp2Active.value -= 1;
          this.#countBytes();
          this.#closed();
        },
      },
    );
    return { kind: 'http2', connection };
  }

  #closed(): void {
    if (this.#state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    const { stats, connections, deps } = this.#context;
    connections.remove(this);
    stats.downstreamCxActive.value -= 1;
    stats.downstreamCxDestroy.value += 1;
    stats.downstreamCxLengthMs.record(deps.clock.monotonicMs() - this.#startMs);
    this.#onClosed();
  }

  #touch(): void {
    this.lastTick = this.#context.connections.tick;
  }

  #countBytes(): void {
    if (this.#state.kind !== 'http2') return;
    const { bytesRead, bytesWritten } = this.#state.connection;
    this.#context.stats.downstreamCxRxBytesTotal.value += bytesRead - this.#countedRead;
    this.#context.stats.downstreamCxTxBytesTotal.value += bytesWritten - this.#countedWritten;
    this.#countedRead = bytesRead;
    this.#countedWritten = bytesWritten;
  }
}

function isProtocolError(error: Error): boolean {
  return 'errorCode' in error;
}
