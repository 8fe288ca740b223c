import type { Duplex } from 'node:stream';
import type { Timer } from '../../../core/index.ts';
import type { Http1ServerConnection } from '../../../http1/types.ts';
import { createServerConnection, looksLikeHttp2Preface } from '../../../http2/index.ts';
import type { Http2Connection } from '../../../http2/types.ts';
import type { Counter } from '../../../telemetry/index.ts';
import type { Sweepable } from '../idle-sweep.ts';
import type { Accepted, ActiveConnection } from '../types.ts';
import type { HttpContext } from './context.ts';
import { FlushWatch } from './flush-watch.ts';
import { HeadWatch } from './head-watch.ts';
import type { HttpSettings } from './settings.ts';
import { HttpStream, type StreamOwner } from './stream.ts';

/** How long the last requests of a connection that has had as many as it may are left to run. */
const DRAIN_MS = 3_600_000;
/** How long an idle connection that is told to go may take to say so. */
const IDLE_CLOSE_MS = 5000;
/** How long a connection may take to show which protocol it speaks; then it is cut (request_headers_timeout where it is set). */
const SNIFF_MS = 15_000;

const NOTHING: Buffer = Buffer.alloc(0);

/** What the connection speaks. */
type State =
  | { readonly kind: 'sniffing'; readonly timer: Timer }
  | { readonly kind: 'http1'; readonly connection: Http1ServerConnection; readonly watch: HeadWatch }
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
  protocol: 'HTTP/1.1' | 'HTTP/2' = 'HTTP/2';
  protocolRequests: Counter;
  retryBufferLimit: number;
  readonly #context: HttpContext;
  readonly #socket: Duplex;
  readonly #onClosed: () => void;
  readonly #startMs: number;
  #state: State;
  #sniffed: Buffer = NOTHING;
  /** Told to go for doing nothing. */
  #isIdle = false;
  #requests = 0;
  #countedRead = 0;
  #countedWritten = 0;

  constructor(context: HttpContext, accepted: Accepted, onClosed: () => void) {
    this.#context = context;
    this.#socket = accepted.socket;
    this.#onClosed = onClosed;
    this.remote = accepted.remote;
    this.local = accepted.local;
    this.isSecure = accepted.tls !== null;
    this.remoteIp = accepted.remote.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    this.idleTimeoutMs = context.settings.connectionIdleTimeoutMs;
    this.protocolRequests = context.stats.downstreamRqHttp2Total;
    this.retryBufferLimit = context.retryBufferLimit;
    const { clock } = context.deps;
    this.#startMs = clock.monotonicMs();
    context.stats.downstreamCxTotal.value += 1;
    context.stats.downstreamCxActive.value += 1;
    if (this.isSecure) {
      context.stats.downstreamCxSslTotal.value += 1;
      context.stats.downstreamCxSslActive.value += 1;
    }
    context.connections.add(this);
    const codec = codecOf(context.settings.codec, accepted.tls?.alpn);
    if (codec === 'HTTP2') this.#state = this.#speakHttp2(undefined);
    else if (codec === 'HTTP1') this.#state = this.#speakHttp1(undefined);
    else {
      this.#state = { kind: 'sniffing', timer: clock.after(context.settings.http2.prefaceTimeoutMs ?? SNIFF_MS, () => this.#onSilence()) };
      this.#socket.on('data', this.#onSniffed);
      this.#socket.on('error', () => {});
      this.#socket.once('close', this.#onSniffingClosed);
    }
  }

  drain(deadlineMs: number): void {
    this.#context.stats.downstreamCxDrainClose.value += 1;
    this.#drain(deadlineMs);
  }

  close(): void {
    if (isOpen(this.#state)) this.#state.connection.destroy();
    else this.#socket.destroy();
  }

  onStreamOver(): void {
    this.#touch();
    if (this.#state.kind === 'http1') this.#state.watch.touch();
    this.#countBytes();
  }

  onIdle(): void {
    if (!isOpen(this.#state) || this.#state.connection.activeStreams > 0) return;
    this.#touch();
    if (this.#isIdle) return;
    this.#isIdle = true;
    this.#context.stats.downstreamCxIdleTimeout.value += 1;
    void this.#state.connection.drain(IDLE_CLOSE_MS);
  }

  readonly #onSniffed = (chunk: Buffer): void => {
    this.#sniffed = Buffer.concat([this.#sniffed, chunk]);
    const verdict = looksLikeHttp2Preface(this.#sniffed);
    if (verdict === 'more') return;
    this.#stopSniffing();
    this.#state = verdict === 'yes' ? this.#speakHttp2(this.#sniffed) : this.#speakHttp1(this.#sniffed);
    this.#sniffed = NOTHING;
  };

  readonly #onSniffingClosed = (): void => {
    this.#stopSniffing();
    this.#closed();
  };

  #onSilence(): void {
    this.#context.stats.codec.prefaceTimeout.value += 1;
    this.close();
  }

  #stopSniffing(): void {
    if (this.#state.kind === 'sniffing') this.#state.timer.cancel();
    this.#socket.off('data', this.#onSniffed);
    this.#socket.off('close', this.#onSniffingClosed);
  }

  #speakHttp2(initialBytes: Buffer | undefined): State {
    const { settings, stats, deps, bufferLimit, flushes } = this.#context;
    stats.downstreamCxHttp2Total.value += 1;
    stats.downstreamCxHttp2Active.value += 1;
    const connection = createServerConnection(
      this.#socket,
      {
        ...settings.http2,
        ...(deps.maxPrematureResets === undefined ? {} : { maxPrematureResets: deps.maxPrematureResets }),
        ...(deps.budget ? { budget: deps.budget } : {}),
        streamBufferLimit: bufferLimit,
        clock: deps.clock,
        stats: stats.codec,
        ...(initialBytes ? { initialBytes } : {}),
      },
      {
        onStream: (stream) => {
          this.#touch();
          this.#countRequest();
          return new HttpStream(this.#context, this, stream);
        },
        onClose: (error) => {
          watch.stop();
          if (error && isProtocolError(error)) stats.downstreamCxProtocolError.value += 1;
          stats.downstreamCxHttp2Active.value -= 1;
          this.#countBytes();
          this.#closed();
        },
      },
    );
    const watch = new FlushWatch(flushes, settings.streamFlushTimeoutMs, connection);
    return { kind: 'http2', connection };
  }

  #speakHttp1(initialBytes: Buffer | undefined): State {
    const { settings, stats, http1, streams, bufferLimit } = this.#context;
    this.retryBufferLimit = bufferLimit;
    this.protocol = 'HTTP/1.1';
    this.protocolRequests = stats.downstreamRqHttp1Total;
    stats.downstreamCxHttp1Total.value += 1;
    stats.downstreamCxHttp1Active.value += 1;
    const options = { scheme: this.isSecure ? 'https' : 'http', ...(initialBytes ? { initialBytes } : {}) } as const;
    const connection = http1.accept(this.#socket, options, {
      onStream: (stream) => {
        this.#touch();
        this.#countRequest();
        watch.touch();
        return new HttpStream(this.#context, this, stream);
      },
      onClose: () => {
        watch.stop();
        stats.downstreamCxHttp1Active.value -= 1;
        this.#countBytes();
        this.#closed();
      },
    });
    const watch = new HeadWatch(streams, settings, connection);
    return { kind: 'http1', connection, watch };
  }

  #closed(): void {
    if (this.#state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    const { stats, connections, deps } = this.#context;
    connections.remove(this);
    stats.downstreamCxActive.value -= 1;
    if (this.isSecure) stats.downstreamCxSslActive.value -= 1;
    stats.downstreamCxDestroy.value += 1;
    stats.downstreamCxLengthMs.record(deps.clock.monotonicMs() - this.#startMs);
    this.#onClosed();
  }

  /** max_requests_per_connection: the last one it may have tells the peer to go. */
  #countRequest(): void {
    this.#requests += 1;
    const { settings, stats } = this.#context;
    if (this.#requests !== settings.maxRequestsPerConnection) return;
    stats.downstreamCxMaxRequestsReached.value += 1;
    // not while the request is only being opened
    queueMicrotask(() => this.#drain(DRAIN_MS));
  }

  #drain(deadlineMs: number): void {
    if (isOpen(this.#state)) void this.#state.connection.drain(deadlineMs);
    else this.close();
  }

  #touch(): void {
    this.lastTick = this.#context.connections.tick;
  }

  #countBytes(): void {
    if (!isOpen(this.#state)) return;
    const { bytesRead, bytesWritten } = this.#state.connection;
    this.#context.stats.downstreamCxRxBytesTotal.value += bytesRead - this.#countedRead;
    this.#context.stats.downstreamCxTxBytesTotal.value += bytesWritten - this.#countedWritten;
    this.#countedRead = bytesRead;
    this.#countedWritten = bytesWritten;
  }
}

function isOpen(state: State): state is Extract<State, { readonly connection: unknown }> {
  return state.kind === 'http1' || state.kind === 'http2';
}

/** AUTO: what the handshake agreed on; without it the first bytes tell. */
function codecOf(codec: HttpSettings['codec'], alpn: string | undefined): HttpSettings['codec'] {
  if (codec !== 'AUTO') return codec;
  return alpn === 'h2' ? 'HTTP2' : alpn === 'http/1.1' ? 'HTTP1' : 'AUTO';
}

function isProtocolError(error: Error): boolean {
  return 'errorCode' in error;
}
