import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { type Clock, codeOf, messageOf, RingwayError, type Timer } from '../../core/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { AdsSession, type RequestOutcome, type Variant } from '../protocol/index.ts';
import type { Snapshot, TypeUrl, XdsNode } from '../types.ts';
import type { Refusals } from './refusals.ts';
import type { StreamMetrics } from './stream-metrics.ts';
import type { ClientStatus, SnapshotSource } from './types.ts';

/** What all streams of one server share. */
export interface StreamContext {
  readonly source: SnapshotSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StreamMetrics;
  readonly refusals: Refusals;
  readonly controlPlane: string;
  readonly ackTimeoutMs: number;
}

/** What a request needs for any variant. */
export interface AnyRequest {
  readonly typeUrl: TypeUrl;
  readonly node: XdsNode | null;
}

/** `new`: no request yet. `open`: the node is known and has a view. `closed`: nothing is read or written any more. */
type State<Request extends AnyRequest> = { readonly kind: 'new' } | Open<Request> | { readonly kind: 'closed' };

interface Open<Request extends AnyRequest> {
  readonly kind: 'open';
  readonly node: XdsNode;
  readonly view: string;
  readonly session: AdsSession<Request>;
  readonly logger: Logger;
  readonly unsubscribe: () => void;
}

/** One ADS stream over gRPC: bytes in, the session decides, bytes out. Whatever fails here ends this stream and no other. */
export class AdsStream<Request extends AnyRequest> {
  readonly #context: StreamContext;
  readonly #variant: Variant<Request>;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #openedMs: number;
  readonly #onClosed: () => void;
  #state: State<Request> = { kind: 'new' };
  #timer: Timer | null = null;

  constructor(context: StreamContext, variant: Variant<Request>, call: ServerDuplexStream<Buffer, Buffer>, onClosed: () => void) {
    this.#context = context;
    this.#variant = variant;
    this.#call = call;
    this.#onClosed = onClosed;
    this.#openedMs = context.clock.monotonicMs();
    call.on('data', (bytes: Buffer) => this.#guard(() => this.#onRequest(bytes)));
    call.on('end', () => this.#close(() => call.end()));
    call.on('cancelled', () => this.#close());
    call.on('close', () => this.#close());
    call.on('error', () => this.#close());
  }

  /** How this client stands; null before its node is known. */
  status(): ClientStatus | null {
    if (this.#state.kind !== 'open') return null;
    const { node, view, session } = this.#state;
    return {
      node: node.id,
      cluster: node.cluster,
      view,
      peer: this.#call.getPeer(),
      userAgent: node.userAgent,
      connectedMs: Math.round(this.#context.clock.monotonicMs() - this.#openedMs),
      types: [...session.types].map(([type, { exchange }]) => ({
        type,
        variant: this.#variant.name,
        sent: exchange.sent,
        acked: exchange.acked,
        nacked: exchange.nacked,
      })),
    };
  }

  /** Ends the stream with a gRPC status; afterwards nothing happens on it. */
  end(code: status, details: string): void {
    this.#close(() => this.#call.emit('error', { code, details, message: details, name: 'ServiceError' }));
  }

  #onRequest(bytes: Buffer): void {
    if (this.#state.kind === 'closed') return;
    const request = this.#decode(bytes);
    const open = this.#state.kind === 'open' ? this.#state : this.#open(request.node);
    if (!open) return;
    const { clock } = this.#context;
    const outcome = open.session.request(request, { monotonicMs: clock.monotonicMs(), unixMs: clock.nowMs() });
    this.#record(open, request.typeUrl, outcome);
    this.#pump(open);
  }

  #decode(bytes: Buffer): Request {
    try {
      return this.#variant.decode(bytes);
    } catch (error) {
      throw new RingwayError(`the message is not a ${this.#variant.name} discovery request: ${messageOf(error)}`, {
        code: 'INVALID_ARGUMENT',
      });
    }
  }

  /** Reads who the client is from its first request; undefined when it is turned away. */
  #open(node: XdsNode | null): Open<Request> | undefined {
    const { source, logger, refusals, metrics } = this.#context;
    if (!node) throw new RingwayError('the first request of a stream must carry a node', { code: 'INVALID_ARGUMENT' });
    const feed = source.open(node);
    if ('refused' in feed) {
      refusals.note(node, feed.refused);
      this.end(status.INVALID_ARGUMENT, feed.refused);
      return undefined;
    }
    const session = new AdsSession<Request>({ create: this.#variant.create, ackTimeoutMs: this.#context.ackTimeoutMs });
    const fields = { node: node.id, cluster: node.cluster, view: feed.view, variant: this.#variant.name };
    const open: Open<Request> = {
      kind: 'open',
      node,
      view: feed.view,
      session,
      logger: logger.child(fields),
      unsubscribe: feed.snapshot.subscribe((snapshot) => this.#guard(() => this.#onSnapshot(snapshot))),
    };
    this.#state = open;
    metrics.streams(this.#variant.name).add(1);
    if (feed.snapshot.value) session.offer(feed.snapshot.value);
    open.logger.info('xds.stream_open', { peer: this.#call.getPeer(), userAgent: node.userAgent }, 'client connected');
    return open;
  }

  #onSnapshot(snapshot: Snapshot | null): void {
    if (this.#state.kind !== 'open' || !snapshot) return;
    this.#state.session.offer(snapshot);
    this.#pump(this.#state);
  }

  /** Writes what may be written now, and wakes up when an answer is overdue. */
  #pump(open: Open<Request>): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const response of open.session.next(nowMs)) {
      this.#call.write(this.#variant.encode(response, this.#context.controlPlane));
      this.#context.metrics.onPush(response.typeUrl, open.view);
      open.logger.debug(
        'xds.push',
        { type: response.typeUrl, version: response.version, count: response.resources.length },
        'response sent',
      );
    }
    this.#timer?.cancel();
    const expiresAtMs = open.session.expiresAtMs;
    this.#timer =
      expiresAtMs === null ? null : this.#context.clock.after(Math.max(0, expiresAtMs - nowMs), () => this.#guard(() => this.#onTimer()));
  }

  #onTimer(): void {
    if (this.#state.kind !== 'open') return;
    for (const type of this.#state.session.expire(this.#context.clock.monotonicMs())) {
      this.#context.metrics.onOverdue(type, this.#state.view);
      const message = `no answer within ${this.#context.ackTimeoutMs} ms, the update goes on without it`;
      this.#state.logger.warn('xds.overdue', { type, version: this.#state.session.types.get(type)?.exchange.sent }, message);
    }
    this.#pump(this.#state);
  }

  #record(open: Open<Request>, type: TypeUrl, outcome: RequestOutcome): void {
    this.#context.metrics.onOutcome(type, open.view, outcome);
    if (outcome.kind === 'ack')
      open.logger.debug('xds.ack', { type, version: outcome.version, tookMs: Math.round(outcome.tookMs) }, 'accepted');
    if (outcome.kind !== 'nack') return;
    const { version, error } = outcome;
    open.logger.warn('xds.nack', { type, version, code: error.code, reason: error.message }, 'the client refused a response');
  }

  /** A client's fault ends its stream with the reason; a fault of ours is logged with its stack. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      const code = error instanceof RingwayError ? (codeOf(error) ?? '') : '';
      if (code === 'INVALID_ARGUMENT' || code === 'RESOURCE_EXHAUSTED') {
        this.#context.logger.warn('xds.bad_request', { peer: this.#call.getPeer(), node: this.status()?.node }, messageOf(error));
        this.end(status[code], messageOf(error));
        return;
      }
      this.#context.logger.error('xds.stream_failed', { node: this.status()?.node, err: error }, 'a stream failed and was ended');
      this.end(status.INTERNAL, 'internal error');
    }
  }

  #close(farewell?: () => void): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    this.#timer?.cancel();
    if (state.kind === 'open') {
      state.unsubscribe();
      this.#context.metrics.streams(this.#variant.name).add(-1);
      state.logger.info(
        'xds.stream_closed',
        { openMs: Math.round(this.#context.clock.monotonicMs() - this.#openedMs) },
        'client disconnected',
      );
    }
    this.#onClosed();
    farewell?.();
  }
}
