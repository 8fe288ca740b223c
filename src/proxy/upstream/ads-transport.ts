import type { Clock } from '../../core/index.ts';
import { type GrpcCall, GrpcStatus, startCall } from '../../grpc/index.ts';
import type { Field, HeaderBlock, Http2Stream, StreamHandler, StreamReset } from '../../http2/types.ts';
import type { AdsStream, AdsStreamHandler, AdsTransport } from '../../xds/client/types.ts';
import type { Cluster } from '../cluster/index.ts';
import type { HostPool, PoolFailure, RequestPriority, StreamRequest } from '../cluster/types.ts';

/** A state-of-the-world response holds everything of a type: gRPC's 4 MiB are soon too few. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface AdsTransportOptions {
  /** The cluster that leads to control, as it is now; undefined while it is not there. */
  readonly cluster: () => Cluster | undefined;
  /** `:authority`; Envoy takes the cluster's name unless told. */
  readonly authority: string;
  /** `initial_metadata` of the GrpcService. */
  readonly metadata: readonly Field[];
  readonly clock: Clock;
}

/** ADS streams over an ordinary cluster: its names, its balancing, its connections. */
export function createAdsTransport(options: AdsTransportOptions): AdsTransport {
  return {
    open(method, handler) {
      const stream = new ClusterAdsStream(options, method, handler);
      // Its end must not come before the caller has the stream.
      options.clock.after(0, () => stream.start());
      return stream;
    },
  };
}

type State =
  | { readonly kind: 'waiting'; readonly unsent: Uint8Array[]; readonly pool: HostPool | null }
  | { readonly kind: 'open'; readonly call: GrpcCall }
  | { readonly kind: 'over' };

/** One ADS stream; messages that come before the connection is there wait for it. */
class ClusterAdsStream implements AdsStream, StreamRequest {
  readonly priority: RequestPriority = 'default';
  readonly handler: Relay = new Relay();
  readonly #options: AdsTransportOptions;
  readonly #method: string;
  readonly #handler: AdsStreamHandler;
  #state: State = { kind: 'waiting', unsent: [], pool: null };

  constructor(options: AdsTransportOptions, method: string, handler: AdsStreamHandler) {
    this.#options = options;
    this.#method = method;
    this.#handler = handler;
  }

  start(): void {
    if (this.#state.kind !== 'waiting') return;
    const target = this.#target();
    if (typeof target === 'string') {
      this.#end(GrpcStatus.UNAVAILABLE, target);
      return;
    }
    this.#state = { ...this.#state, pool: target };
    target.open(this);
  }

  send(message: Uint8Array): void {
    if (this.#state.kind === 'waiting') this.#state.unsent.push(message);
    else if (this.#state.kind === 'open') this.#state.call.send(message);
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    if (state.kind === 'waiting') state.pool?.cancel(this);
    if (state.kind === 'open') state.call.cancel();
  }

  onReady(stream: Http2Stream): void {
    if (this.#state.kind !== 'waiting') return;
    const { unsent } = this.#state;
    const { authority, metadata, clock } = this.#options;
    const options = { method: this.#method, authority, metadata, clock, maxMessageBytes: MAX_MESSAGE_BYTES };
    const call = startCall((handler) => this.handler.lead(handler, stream), options, {
      onMessage: (message) => this.#handler.onMessage(message),
      onEnd: ({ code, message }) => this.#end(code, message),
    });
    // The stream is there already: a call always comes of it.
    if (!call) return;
    this.#state = { kind: 'open', call };
    for (const message of unsent) call.send(message);
  }

  onPoolFailure(failure: PoolFailure, detail: string): void {
    this.#end(GrpcStatus.UNAVAILABLE, detail === '' ? failure : `${failure}: ${detail}`);
  }

  /** The pool of a host of control, or why there is none. */
  #target(): HostPool | string {
    const cluster = this.#options.cluster();
    if (!cluster) return 'the cluster of control is not ready';
    if (cluster.settings.protocol !== 'HTTP2') return `cluster ${cluster.name} has no http2_protocol_options`;
    const host = cluster.pick();
    return host ? cluster.poolOf(host) : `cluster ${cluster.name} has no healthy host`;
  }

  #end(code: number, message: string): void {
    if (this.#state.kind === 'over') return;
    this.#state = { kind: 'over' };
    this.#handler.onEnd({ code, message });
  }
}

/** What the pool gives a stream's events to: it asks for a handler before the call exists. */
class Relay implements StreamHandler {
  #target: StreamHandler | undefined;

  lead(target: StreamHandler, stream: Http2Stream): Http2Stream {
    this.#target = target;
    return stream;
  }

  onHeaders(headers: HeaderBlock, endStream: boolean): void {
    this.#target?.onHeaders(headers, endStream);
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.#target?.onData(chunk, endStream);
  }

  onTrailers(trailers: HeaderBlock): void {
    this.#target?.onTrailers(trailers);
  }

  onReset(reset: StreamReset): void {
    this.#target?.onReset(reset);
  }

  onDrain(): void {
    this.#target?.onDrain();
  }
}
