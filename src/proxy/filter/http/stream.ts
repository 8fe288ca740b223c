import type { Timer } from '../../../core/index.ts';
import type { Http1Problem, Http1StreamHandler } from '../../../http1/types.ts';
import { ErrorCode, field, statusOf } from '../../../http2/index.ts';
import type { HeaderBlock, Http2Stream, StreamReset } from '../../../http2/types.ts';
import type { Counter } from '../../../telemetry/index.ts';
import { RequestRecord, type ResponseFlag } from '../../access-log/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import { chooseCluster } from '../../route/index.ts';
import type { ForwardAction, Route } from '../../route/types.ts';
import { Exchange } from '../../upstream/index.ts';
import type { Downstream, LocalReply } from '../../upstream/types.ts';
import type { Sweepable } from '../idle-sweep.ts';
import type { HttpContext } from './context.ts';
import { renderReply } from './local-reply.ts';
import { BAD_PATH, NO_ROUTE, noCluster, refusalOf, streamTimeout, tooLong } from './refusals.ts';
import { type RequestHead, readRequestHead } from './request-head.ts';
import type { ResponseOrigin } from './response-headers.ts';
import { routedHeaders } from './routed-headers.ts';
import { streamDurationMs, withGrpcTimeout } from './stream-duration.ts';

/** The connection a stream came on. */
export interface StreamOwner {
  readonly remote: string;
  readonly local: string;
  /** The peer's address without its port. */
  readonly remoteIp: string;
  /** It came over TLS. */
  readonly isSecure: boolean;
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  /** Counts the requests of this protocol. */
  readonly protocolRequests: Counter;
  /** Bytes of a request that are kept for a second try unless its route says otherwise. */
  readonly retryBufferLimit: number;
  onStreamOver(): void;
}

const CONTINUE: HeaderBlock = [field(':status', '100')];

/** How far the response is. */
type ResponseState = 'none' | 'headers' | 'over';

/** One request from its first byte to its log line: routes it, hands it to the upstream, and answers itself where there is none. */
export class HttpStream implements Http1StreamHandler, Downstream, Sweepable {
  lastTick = 0;
  sweepSlot = -1;
  idleTimeoutMs: number | null;
  readonly #context: HttpContext;
  readonly #owner: StreamOwner;
  readonly #stream: Http2Stream;
  readonly #record: RequestRecord;
  #exchange: Exchange | undefined;
  #route: Route | undefined;
  #isHead = false;
  #isRequestOver = false;
  #response: ResponseState = 'none';
  #duration: Timer | undefined;

  constructor(context: HttpContext, owner: StreamOwner, stream: Http2Stream) {
    this.#context = context;
    this.#owner = owner;
    this.#stream = stream;
    this.idleTimeoutMs = context.settings.streamIdleTimeoutMs;
    const { clock } = context.deps;
    this.#record = new RequestRecord({ startedAtMs: clock.nowMs(), startMs: clock.monotonicMs() }, owner);
    this.#record.protocol = owner.protocol;
  }

  // What the caller sends.

  onHeaders(headers: HeaderBlock, endStream: boolean): void {
    const { settings, deps } = this.#context;
    this.#count();
    this.#isRequestOver = endStream;
    const head = readRequestHead(headers, settings, this.#owner, deps.createRequestId);
    this.#isHead = head.method === 'HEAD';
    this.#record.isGrpc = head.isGrpc;
    this.#record.requestHeaders = head.headers;
    if (head.expectsContinue) this.#continue();
    const refusal = refusalOf(head);
    if (refusal === BAD_PATH) this.#context.stats.downstreamRqFailedPathNormalization.value += 1;
    const reply = refusal ?? this.#begin(head, endStream);
    if (reply) this.reply(reply);
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.#touch();
    this.#record.bytesReceived += chunk.length;
    this.#isRequestOver = endStream;
    this.#exchange?.onData(chunk, endStream);
  }

  onTrailers(trailers: HeaderBlock): void {
    this.#touch();
    this.#isRequestOver = true;
    this.#exchange?.onTrailers(trailers);
  }

  onReset({ origin }: StreamReset): void {
    // the answer is out, only its last bytes were still on their way
    if (this.#response === 'over') return;
    const { stats } = this.#context;
    stats.downstreamRqRxReset.value += 1;
    this.#exchange?.cancel();
    this.#record.setFlag(RESET_FLAGS[origin]);
    this.#record.details = RESET_DETAILS[origin];
    this.#finish();
  }

  onInvalid({ kind, status, text, details, headers }: Http1Problem): void {
    const { stats } = this.#context;
    if (kind === 'protocol') stats.downstreamCxProtocolError.value += 1;
    if (kind === 'timeout') stats.downstreamRqIdleTimeout.value += 1;
    // in the middle of a body the request is known already
    if (this.sweepSlot < 0) {
      this.#count();
      this.#record.requestHeaders = headers;
    }
    this.#isRequestOver = true;
    this.#stop({ status, body: text, details, ...(PROBLEM_FLAGS[kind] ?? {}) });
  }

  onDrain(): void {
    this.#touch();
    this.#exchange?.onDrain();
  }

  onIdle(): void {
    this.#context.stats.downstreamRqIdleTimeout.value += 1;
    this.#stop(streamTimeout(this.#isRequestOver));
  }

  // What the upstream answers.

  sendHeaders(headers: HeaderBlock, endStream: boolean, serviceMs: number, attempts: number): void {
    this.#touch();
    const route = this.#route;
    const isCounted = route?.action.kind === 'forward' && route.action.attemptCount.inResponse;
    const isTimed = this.#context.settings.envoyHeaders === 'written';
    this.#respond(headers, { route, serviceMs: isTimed ? serviceMs : -1, attempts: isCounted ? attempts : 0 }, endStream);
    if (endStream) this.#finishResponse();
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    this.#touch();
    this.#record.bytesSent += chunk.length;
    const takesMore = this.#stream.sendData(chunk, endStream);
    if (endStream) this.#finishResponse();
    return takesMore;
  }

  sendTrailers(trailers: HeaderBlock): void {
    this.#record.responseTrailers = trailers;
    this.#stream.sendTrailers(trailers);
    this.#finishResponse();
  }

  credit(bytes: number): void {
    this.#stream.credit(bytes);
  }

  reply(reply: LocalReply): void {
    const isLate = reply.flag === 'UT' && this.#context.deps.timeoutIsDeadlineExceeded === true;
    const message = renderReply(isLate ? { ...reply, grpcStatus: 4 } : reply, { isGrpc: this.#record.isGrpc, isHead: this.#isHead });
    if (reply.flag) this.#record.setFlag(reply.flag);
    this.#record.details = reply.details;
    this.#respond(message.headers, { route: this.#route, serviceMs: -1, attempts: 0 }, message.body === null);
    if (message.body) {
      this.#record.bytesSent += message.body.length;
      this.#stream.sendData(message.body, true);
    }
    this.#finishResponse();
  }

  abort(flag: ResponseFlag, details: string, code?: number): void {
    this.#record.setFlag(flag);
    this.#record.details = details;
    this.#reset(code);
  }

  // Inside.

  /** RFC 9110 §10.1.1: the caller waits for this before it sends a body. */
  #continue(): void {
    this.#stream.sendHeaders(CONTINUE, false);
    this.#context.stats.downstreamRq.record(100);
  }

  #count(): void {
    const { stats, streams } = this.#context;
    stats.downstreamRqTotal.value += 1;
    this.#owner.protocolRequests.value += 1;
    stats.downstreamRqActive.value += 1;
    streams.add(this);
  }

  /** Finds out where the request goes, once, in the configuration of this moment, and sends it there; else what to answer. */
  #begin({ headers, authority, path }: RequestHead, endStream: boolean): LocalReply | undefined {
    const { settings, deps, stats } = this.#context;
    stats.rqTotal.value += 1;
    const config = deps.currentConfig();
    const table = settings.routes.kind === 'inline' ? settings.routes.table : config.routes.get(settings.routes.name);
    const route = table?.route(authority, path, headers);
    if (!route) {
      stats.noRoute.value += 1;
      return NO_ROUTE;
    }
    this.#route = route;
    this.#record.routeName = route.name;
    this.#record.virtualHost = route.virtualHost;
    const { action } = route;
    if (action.kind === 'direct-response') {
      stats.rqDirectResponse.value += 1;
      return { status: action.status, body: action.body, details: 'direct_response' };
    }
    const name = chooseCluster(action.cluster, headers, deps.random);
    const cluster = config.clusters.get(name);
    if (!cluster) {
      stats.noCluster.value += 1;
      return noCluster(action.clusterNotFoundStatus);
    }
    this.#record.upstreamCluster = name;
    this.#forward(headers, route, action, cluster, endStream);
    return undefined;
  }

  #forward(headers: HeaderBlock, route: Route, action: ForwardAction, cluster: Cluster, endStream: boolean): void {
    const { settings, deps } = this.#context;
    const record = this.#record;
    const durationMs = streamDurationMs(action.streamDuration, headers, settings.maxStreamDurationMs);
    const routed = routedHeaders(headers, route, action);
    record.requestHeaders = action.streamDuration && record.isGrpc ? withGrpcTimeout(routed, durationMs) : routed;
    if (action.idleTimeoutMs !== undefined) this.idleTimeoutMs = action.idleTimeoutMs;
    this.#limitDuration(durationMs);
    const request = {
      action,
      cluster,
      headers: record.requestHeaders,
      record,
      bufferLimit: this.#owner.retryBufferLimit,
      envoyHeaders: settings.envoyHeaders,
    };
    this.#exchange = new Exchange(deps, request, this, endStream);
    this.#exchange.start();
  }

  #limitDuration(ms: number | null): void {
    if (ms === null) return;
    this.#duration = this.#context.deps.clock.after(ms, () => {
      this.#context.stats.downstreamRqMaxDurationReached.value += 1;
      this.#stop(tooLong(this.#isRequestOver));
    });
  }

  /** Ends the request for a reason of our own: with an answer, or, when one has begun, with a reset. */
  #stop(reply: LocalReply): void {
    this.#exchange?.cancel();
    if (this.#response === 'none') {
      this.reply(reply);
      return;
    }
    if (reply.flag) this.#record.setFlag(reply.flag);
    this.#record.details = reply.details;
    this.#reset();
  }

  #respond(headers: HeaderBlock, origin: ResponseOrigin, endStream: boolean): void {
    const fields = this.#context.responseHeaders.complete(headers, origin, this.#record.requestHeaders);
    this.#record.responseHeaders = fields;
    this.#record.responseCode = statusOf(fields);
    this.#response = 'headers';
    this.#stream.sendHeaders(fields, endStream);
  }

  #finishResponse(): void {
    // RFC 9113 §8.1: the rest of a request that is answered already is not wanted
    if (!this.#isRequestOver) this.#stream.reset(ErrorCode.NO_ERROR);
    this.#finish();
  }

  #reset(code: number = ErrorCode.INTERNAL_ERROR): void {
    this.#context.stats.downstreamRqTxReset.value += 1;
    this.#stream.reset(code);
    this.#finish();
  }

  #finish(): void {
    if (this.#response === 'over') return;
    this.#response = 'over';
    const { stats, streams, deps, settings } = this.#context;
    this.#duration?.cancel();
    streams.remove(this);
    const record = this.#record;
    record.endMs = deps.clock.monotonicMs();
    stats.downstreamRqActive.value -= 1;
    stats.downstreamRqTime.record(record.endMs - record.startMs);
    if (record.responseCode > 0) {
      stats.downstreamRq.record(record.responseCode);
      stats.listenerRq.record(record.responseCode);
    }
    for (const log of settings.accessLogs) log(record);
    this.#owner.onStreamOver();
  }

  #touch(): void {
    this.lastTick = this.#context.streams.tick;
  }
}

/** %RESPONSE_FLAGS% of what came over HTTP/1.1 and is no request. */
const PROBLEM_FLAGS: Readonly<Partial<Record<Http1Problem['kind'], { readonly flag: ResponseFlag }>>> = {
  protocol: { flag: 'DPE' },
  timeout: { flag: 'SI' },
};

/** %RESPONSE_FLAGS% of a request whose caller went away: with its connection, or from this request alone. */
const RESET_FLAGS: Readonly<Record<StreamReset['origin'], ResponseFlag>> = { peer: 'DR', refused: 'DR', connection: 'DC', local: 'DPE' };

/** %RESPONSE_CODE_DETAILS% of the same. */
const RESET_DETAILS: Readonly<Record<StreamReset['origin'], string>> = {
  peer: 'http2.remote_reset',
  refused: 'http2.remote_refuse',
  connection: 'downstream_remote_disconnect',
  local: 'http2.violation.of.messaging.rule',
};
