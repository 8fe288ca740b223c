import type { Clock, Random, Timer } from '../../core/index.ts';
import { httpStatusOfGrpc, parseGrpcStatus } from '../../grpc/index.ts';
import { ErrorCode, findField } from '../../http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../../http2/types.ts';
import type { RequestRecord } from '../access-log/index.ts';
import type { Cluster, Host } from '../cluster/index.ts';
import type { ForwardAction } from '../route/types.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { detailsOf, failureText, flagOf, type TryFailure } from './failure.ts';
import { NO_HEALTHY_UPSTREAM, OVERLOADED, requestTimeout } from './local-replies.ts';
import { RequestBody } from './request-body.ts';
import { attemptHeaders, responseHeaders } from './request-headers.ts';
import { Retries } from './retries.ts';
import { type ResponseFacts, retriesFailure, retriesResponse } from './retry-rules.ts';
import { startTryTimer } from './try-timer.ts';
import type { Downstream, EnvoyHeaders } from './types.ts';

export interface ExchangeDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** One request on its way to one cluster. */
export interface ExchangeRequest {
  readonly action: ForwardAction;
  readonly cluster: Cluster;
  /** As every try sends them, but for what changes from try to try. */
  readonly headers: HeaderBlock;
  readonly record: RequestRecord;
  /** Bytes of the body kept for another try. */
  readonly bufferLimit: number;
  readonly envoyHeaders: EnvoyHeaders;
}

/** How far the response is. */
type Phase =
  | { readonly kind: 'waiting' }
  /** One try's response is the caller's; the others are gone. */
  | { readonly kind: 'responding'; readonly winner: Attempt }
  | { readonly kind: 'over' };

const WAITING: Phase = { kind: 'waiting' };
const OVER: Phase = { kind: 'over' };

/**
 * The loop around tries: sends a request to a host, to others when its route's policy says so, beside the first when it is slow, and
 * passes one response on. Bytes move at the slower side's pace: credit is given when the other side has taken them.
 */
export class Exchange implements AttemptOwner {
  readonly #deps: ExchangeDeps;
  readonly #request: ExchangeRequest;
  readonly #downstream: Downstream;
  readonly #retries: Retries;
  readonly #body: RequestBody;
  readonly #tried: Host[] = [];
  readonly #startMs: number;
  #attempts: Attempt[] = [];
  #phase: Phase = WAITING;
  #timeout: Timer | undefined;
  /** Of the caller's body: taken in, not yet credited. */
  #owedDown = 0;
  /** Of the response: taken in, not yet credited. */
  #owedUp = 0;

  constructor(deps: ExchangeDeps, request: ExchangeRequest, downstream: Downstream, endStream: boolean) {
    this.#deps = deps;
    this.#request = request;
    this.#downstream = downstream;
    this.#body = new RequestBody(request.bufferLimit, endStream);
    this.#retries = new Retries(request.action, request.cluster, deps);
    this.#startMs = deps.clock.monotonicMs();
  }

  /** The first try. May answer before it returns. */
  start(): void {
    if (this.#body.isComplete) this.#onRequestComplete();
    const host = this.#request.cluster.pick();
    if (host) this.#try(host);
    else this.#onNoHost();
  }

  // What the caller does.

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#phase.kind === 'over') return;
    if (endStream) this.#body.end(null);
    this.#owedDown += chunk.length;
    let isSent = false;
    let takesMore = true;
    for (const attempt of this.#attempts) {
      const { stream } = attempt;
      if (!stream) continue;
      isSent = true;
      takesMore = stream.sendData(chunk, endStream) && takesMore;
      attempt.requestEnded = endStream;
    }
    if (!isSent || this.#mayTryAgain) this.#keep(chunk, isSent);
    if (isSent && takesMore) this.#creditDownstream();
    if (endStream) this.#onRequestComplete();
  }

  onTrailers(trailers: HeaderBlock): void {
    if (this.#phase.kind === 'over') return;
    this.#body.end(trailers);
    for (const attempt of this.#attempts) {
      attempt.stream?.sendTrailers(trailers);
      attempt.requestEnded = attempt.stream !== undefined;
    }
    this.#onRequestComplete();
  }

  /** The caller takes more of the response. */
  onDrain(): void {
    if (this.#phase.kind !== 'responding' || this.#owedUp === 0) return;
    const bytes = this.#owedUp;
    this.#owedUp = 0;
    this.#phase.winner.stream?.credit(bytes);
  }

  /** The caller is gone, or has been answered otherwise: every try ends. */
  cancel(): void {
    if (this.#phase.kind === 'over') return;
    this.#end();
  }

  // What tries tell.

  onAttemptReady(attempt: Attempt, stream: Http2Stream): void {
    const { action, headers, envoyHeaders, record } = this.#request;
    // the first try has the whole time, whatever connecting took
    const elapsedMs = record.attempts === 1 ? 0 : this.#deps.clock.monotonicMs() - this.#startMs;
    stream.sendHeaders(attemptHeaders(headers, action, envoyHeaders, { elapsedMs, count: record.attempts }), this.#body.isEmpty);
    attempt.requestEnded = this.#body.isComplete;
    const takesMore = this.#body.isEmpty || this.#body.sendTo(stream);
    if (takesMore) this.#creditDownstream();
    // without a second try what was sent need not be kept
    if (!this.#mayTryAgain) this.#body.discard();
    if (this.#body.isComplete) this.#armPerTry(attempt);
  }

  onAttemptHeaders(attempt: Attempt, headers: HeaderBlock, endStream: boolean): void {
    const { record, cluster } = this.#request;
    record.responseStartMs ??= this.#deps.clock.monotonicMs();
    const facts = factsOf(headers);
    if (!attempt.isTimedOut)
      attempt.host.monitor?.onResponse(facts.grpcStatus === undefined ? facts.status : httpStatusOfGrpc(facts.grpcStatus));
    if (this.#refusesResponse(attempt, facts)) {
      attempt.host.rqError += 1;
      this.#drop(attempt);
      return;
    }
    if (record.attempts > 1) this.#retries.succeeded();
    cluster.stats.upstreamRq.record(facts.status);
    if (facts.grpcStatus !== undefined || !record.isGrpc || endStream) countResult(attempt.host, facts);
    this.#accept(attempt, headers, endStream);
  }

  onAttemptData(attempt: Attempt, chunk: Buffer, endStream: boolean): void {
    if (this.#downstream.sendData(chunk, endStream)) attempt.stream?.credit(chunk.length);
    else this.#owedUp += chunk.length;
    if (endStream) this.#onResponseComplete();
  }

  onAttemptTrailers(attempt: Attempt, trailers: HeaderBlock): void {
    countResult(attempt.host, { status: 200, grpcStatus: grpcStatusIn(trailers) });
    this.#downstream.sendTrailers(trailers);
    this.#onResponseComplete();
  }

  onAttemptFailed(attempt: Attempt, failure: TryFailure, detail: string): void {
    const { record } = this.#request;
    if (detail !== '') record.upstreamFailure = detail;
    if (this.#phase.kind === 'responding') {
      this.#end();
      this.#downstream.abort(flagOf(failure), detailsOf(failure, 'after'));
      return;
    }
    this.#forget(attempt);
    const policy = this.#retries.policy;
    if (policy && !attempt.isReplaced && retriesFailure(policy, failure, attempt.hasStarted) && this.#tryAgain()) return;
    if (this.#isAnybodyLeft) return;
    this.#fail(failure);
  }

  onAttemptDrain(): void {
    this.#creditDownstream();
  }

  // Tries.

  #try(host: Host): void {
    const { action, cluster, record } = this.#request;
    record.attempts += 1;
    record.upstreamHost = host.address;
    this.#tried.push(host);
    const attempt = new Attempt(cluster, host, action.priority, this);
    this.#attempts.push(attempt);
    attempt.start();
  }

  /** Another try will come, now or after its back-off. */
  #tryAgain(): boolean {
    if (!this.#body.isWhole) return false;
    const verdict = this.#retries.schedule(() => {
      const host = this.#request.cluster.pickAgain(this.#tried, this.#retries.selection);
      if (host) this.#try(host);
      else if (this.#attempts.length === 0) this.#onNoHost();
    });
    if (verdict.kind === 'refused') this.#request.record.setFlag(verdict.flag);
    return verdict.kind === 'scheduled';
  }

  get #mayTryAgain(): boolean {
    return this.#retries.policy !== null && this.#phase.kind === 'waiting' && this.#body.isWhole;
  }

  /** Another try lives, or is about to. */
  get #isAnybodyLeft(): boolean {
    return this.#attempts.length > 0 || this.#retries.isPending;
  }

  /** A response that the policy wants another try for: gone if one comes, or if another try may still do better. */
  #refusesResponse(attempt: Attempt, facts: ResponseFacts): boolean {
    const policy = this.#retries.policy;
    if (!policy || !retriesResponse(policy, facts)) return false;
    if (!attempt.isReplaced && this.#tryAgain()) return true;
    return this.#attempts.length > 1 || this.#retries.isPending;
  }

  #drop(attempt: Attempt): void {
    this.#forget(attempt);
    attempt.cancel();
  }

  #forget(attempt: Attempt): void {
    this.#attempts = this.#attempts.filter((other) => other !== attempt);
  }

  // Time.

  #onRequestComplete(): void {
    this.#request.record.requestEndMs = this.#deps.clock.monotonicMs();
    const { timeoutMs } = this.#request.action;
    if (timeoutMs !== null) this.#timeout = this.#deps.clock.after(timeoutMs, () => this.#onTimeout());
    for (const attempt of this.#attempts) if (attempt.stream) this.#armPerTry(attempt);
  }

  /** A try's own time begins when it has the whole request. */
  #armPerTry(attempt: Attempt): void {
    const ms = this.#retries.policy?.perTryTimeoutMs ?? null;
    if (ms === null || attempt.perTryTimer || this.#phase.kind !== 'waiting') return;
    attempt.perTryTimer = startTryTimer(this.#deps.clock, ms, () => this.#onPerTryTimeout(attempt));
  }

  #onPerTryTimeout(attempt: Attempt): void {
    if (this.#phase.kind !== 'waiting') return;
    this.#request.cluster.stats.upstreamRqPerTryTimeout.value += 1;
    attempt.host.rqTimeout += 1;
    attempt.host.monitor?.onFailure('timeout');
    if (this.#retries.policy?.hedges) this.#hedge(attempt);
    else this.#giveUp(attempt);
  }

  /** The slow try goes on; beside it another host is asked, if there is one that was not. */
  #hedge(attempt: Attempt): void {
    attempt.isTimedOut = true;
    if (attempt.isReplaced || !this.#body.isWhole) return;
    const host = this.#request.cluster.pickUntried(this.#tried, this.#retries.selection);
    if (!host || this.#retries.takeNow().kind !== 'scheduled') return;
    attempt.isReplaced = true;
    this.#try(host);
  }

  #giveUp(attempt: Attempt): void {
    this.#drop(attempt);
    const policy = this.#retries.policy;
    if (policy && retriesFailure(policy, 'local reset', true) && this.#tryAgain()) return;
    if (!this.#isAnybodyLeft) this.#answer(requestTimeout('upstream_per_try_timeout'), 504);
  }

  #onTimeout(): void {
    const { cluster } = this.#request;
    cluster.stats.upstreamRqTimeout.value += 1;
    for (const { host, isTimedOut } of this.#attempts) {
      host.rqTimeout += 1;
      if (this.#phase.kind === 'waiting' && !isTimedOut) host.monitor?.onFailure('timeout');
    }
    if (this.#phase.kind === 'responding') {
      this.#end();
      this.#downstream.abort('UT', 'response_timeout');
      return;
    }
    this.#answer(requestTimeout('response_timeout'), 504);
  }

  // The response.

  #accept(attempt: Attempt, headers: HeaderBlock, endStream: boolean): void {
    const { action, envoyHeaders, record } = this.#request;
    this.#phase = { kind: 'responding', winner: attempt };
    this.#retries.stop();
    for (const other of this.#attempts) if (other !== attempt) other.cancel();
    this.#attempts = [attempt];
    this.#body.discard();
    record.upstreamHost = attempt.host.address;
    if (record.details === '') record.details = 'via_upstream';
    const serviceMs = this.#deps.clock.monotonicMs() - this.#startMs;
    const fields = responseHeaders(headers, action, envoyHeaders, { serviceMs, count: record.attempts });
    this.#downstream.sendHeaders(fields, endStream);
    if (endStream) this.#onResponseComplete();
  }

  #onResponseComplete(): void {
    if (this.#phase.kind === 'over') return;
    this.#request.cluster.stats.upstreamRqTime.record(this.#deps.clock.monotonicMs() - this.#startMs);
    this.#end();
  }

  #fail(failure: TryFailure): void {
    const body = failureText(failure, this.#request.record.attempts > 1);
    const headers = failure === 'overflow' ? [OVERLOADED] : [];
    this.#answer({ status: 503, body, flag: flagOf(failure), details: detailsOf(failure, 'before'), headers }, 503);
  }

  #onNoHost(): void {
    this.#request.cluster.stats.upstreamCxNoneHealthy.value += 1;
    this.#answer(NO_HEALTHY_UPSTREAM, 503);
  }

  #answer(reply: Parameters<Downstream['reply']>[0], status: number): void {
    this.#request.cluster.stats.upstreamRq.record(status);
    this.#end();
    this.#downstream.reply(reply);
  }

  #end(): void {
    this.#phase = OVER;
    this.#timeout?.cancel();
    this.#retries.stop();
    for (const attempt of this.#attempts) attempt.cancel(ErrorCode.CANCEL);
    this.#attempts = [];
    this.#body.discard();
  }

  // Bytes.

  /** Keeps a chunk for a try to come; past the limit no other try will. Before the first stream nothing may be lost, and no credit is given. */
  #keep(chunk: Buffer, isSent: boolean): void {
    this.#body.keep(chunk);
    if (!isSent || !this.#body.isOverLimit) return;
    this.#request.cluster.stats.retryOrShadowAbandoned.value += 1;
    this.#body.discard();
  }

  #creditDownstream(): void {
    if (this.#owedDown === 0) return;
    const bytes = this.#owedDown;
    this.#owedDown = 0;
    this.#downstream.credit(bytes);
  }
}

function factsOf(headers: HeaderBlock): ResponseFacts {
  return {
    status: Number(findField(headers, ':status')?.value),
    grpcStatus: grpcStatusIn(headers),
    isOverloaded: findField(headers, 'x-envoy-overloaded') !== undefined,
  };
}

function grpcStatusIn(block: HeaderBlock): number | undefined {
  const text = findField(block, 'grpc-status')?.value;
  return text === undefined ? undefined : parseGrpcStatus(text);
}

function countResult(host: Host, { status, grpcStatus }: Pick<ResponseFacts, 'status' | 'grpcStatus'>): void {
  const meaning = grpcStatus === undefined ? status : httpStatusOfGrpc(grpcStatus);
  if (meaning >= 500) host.rqError += 1;
  else host.rqSuccess += 1;
}
