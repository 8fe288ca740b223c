import type { Clock, Random, Timer } from '../../core/index.ts';
import { grpcStatusOf, httpStatusOfGrpc } from '../../grpc/index.ts';
import { type BufferBudget, ErrorCode } from '../../http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../../http2/types.ts';
import type { Counter } from '../../telemetry/index.ts';
import type { RequestRecord } from '../access-log/index.ts';
import type { Cluster, Host } from '../cluster/index.ts';
import type { ForwardAction, Timeouts } from '../route/types.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { BodyFlow, type BodyNeed } from './body-flow.ts';
import { detailsOf, flagOf, statusOf, type TryFailure } from './failure.ts';
import { countResult } from './host-result.ts';
import { dropped, NO_HEALTHY_UPSTREAM, type PerTryDetails, pastDeadline, requestTimeout, upstreamFailed } from './local-replies.ts';
import { RequestBody } from './request-body.ts';
import { attemptCountField, attemptHeaders } from './request-headers.ts';
import { Retries } from './retries.ts';
import { factsOf, type ResponseFacts } from './retry-rules.ts';
import { callerTimeoutMs, expectedMs, timeoutsOf } from './timeouts.ts';
import type { Downstream, EnvoyHeaders, LocalReply } from './types.ts';

export interface ExchangeDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** What all connections of the process may hold; none unless given. */
  readonly budget?: BufferBudget;
}

/** One request on its way to one cluster. */
export interface ExchangeRequest {
  readonly action: ForwardAction;
  readonly cluster: Cluster;
  /** As every try sends them, but for what changes from try to try. */
  readonly headers: HeaderBlock;
  readonly record: RequestRecord;
  /** Bytes of the body kept for another try where the route does not say. */
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
  /** null: the route has no retry policy. */
  readonly #retries: Retries | null;
  readonly #timeouts: Timeouts;
  readonly #flow: BodyFlow;
  #tried: Host[] = [];
  readonly #startMs: number;
  #attempts: Attempt[] = [];
  #phase: Phase = WAITING;
  #timeout: Timer | undefined;
  /** Of the response: taken in, not yet credited. */
  #owedUp = 0;

  constructor(deps: ExchangeDeps, request: ExchangeRequest, downstream: Downstream, endStream: boolean) {
    this.#deps = deps;
    this.#request = request;
    this.#downstream = downstream;
    const { action, cluster, headers } = request;
    const { exactly, atMost } = action.retryBuffer;
    const limit = exactly ?? Math.min(atMost ?? request.bufferLimit, request.bufferLimit);
    this.#flow = new BodyFlow(new RequestBody(limit, endStream, deps.budget), downstream);
    this.#retries = action.retry ? new Retries(action.retry, { cluster, priority: action.priority, headers }, deps) : null;
    this.#timeouts = timeoutsOf(action, headers, request.record.isGrpc);
    this.#startMs = deps.clock.monotonicMs();
  }

  /** The first try. May answer before it returns. */
  start(): void {
    if (this.#flow.body.isComplete) this.#onRequestComplete();
    const { cluster } = this.#request;
    const drops = cluster.drops();
    const host = drops === 'no' ? cluster.pick() : undefined;
    if (host) this.#try(host);
    else if (drops === 'no') this.#onNoHost();
    else this.#answer(dropped(drops), 503);
  }

  // What the caller does.

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#phase.kind === 'over') return;
    this.#flow.onData(chunk, endStream, this.#attempts, this.#need);
    if (this.#flow.body.isOverLimit) this.#sendBody();
    if (endStream) this.#onRequestComplete();
  }

  onTrailers(trailers: HeaderBlock): void {
    if (this.#phase.kind === 'over') return;
    this.#flow.onTrailers(trailers, this.#attempts, this.#need);
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
    // the whole time runs from the request's end on
    const elapsedMs = record.requestEndMs === undefined || record.attempts === 1 ? 0 : this.#deps.clock.monotonicMs() - record.requestEndMs;
    const own = {
      expectedMs: expectedMs(this.#timeouts, action.retry, elapsedMs),
      setsGrpcTimeout: action.grpcTimeout !== null && record.isGrpc,
      count: record.attempts,
    };
    attempt.requestEnded = this.#flow.body.isEmpty;
    stream.sendHeaders(attemptHeaders(headers, action, envoyHeaders, own), attempt.requestEnded);
    this.#sendBody();
    if (this.#flow.body.isComplete) this.#armTry(attempt);
  }

  onAttemptHeaders(attempt: Attempt, headers: HeaderBlock, endStream: boolean): void {
    const { record, cluster } = this.#request;
    record.responseStartMs ??= this.#deps.clock.monotonicMs();
    const facts = factsOf(headers);
    if (!attempt.isTimedOut)
      attempt.host.monitor?.onResponse(facts.grpcStatus === undefined ? facts.status : httpStatusOfGrpc(facts.grpcStatus));
    if (this.#refusesResponse(attempt, facts, headers)) {
      attempt.host.rqError += 1;
      this.#drop(attempt);
      return;
    }
    if (record.attempts > 1) this.#retries?.succeeded();
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
    countResult(attempt.host, { status: 200, grpcStatus: grpcStatusOf(trailers) });
    this.#downstream.sendTrailers(trailers);
    this.#onResponseComplete();
  }

  onAttemptFailed(attempt: Attempt, failure: TryFailure, detail: string): void {
    const { record, cluster } = this.#request;
    if (detail !== '') record.upstreamFailure = detail;
    const isTooLate = this.#isPastDeadline;
    if (this.#phase.kind === 'responding') {
      this.#end();
      this.#downstream.abort(flagOf(failure), detailsOf(failure, 'after'), isTooLate ? ErrorCode.CANCEL : undefined);
      return;
    }
    this.#forget(attempt);
    if (
      !isTooLate &&
      !attempt.isReplaced &&
      this.#retries?.wantsAfterFailure(failure, attempt.hasStarted) &&
      this.#tryAgain(undefined, failure === 'connection timeout')
    )
      return;
    if (this.#isAnybodyLeft) {
      cluster.stats.upstreamRq.record(statusOf(failure));
      return;
    }
    if (isTooLate) this.#answer(pastDeadline(failure), 504);
    else this.#answer(upstreamFailed(failure, record.attempts > 1, detail), statusOf(failure));
  }

  onAttemptDrain(): void {
    this.#sendBody();
  }

  onAttemptTimeout(attempt: Attempt): void {
    if (this.#retries?.hedges) this.#hedge(attempt);
    else this.#giveUp(attempt, this.#request.cluster.stats.upstreamRqPerTryTimeout, 'upstream_per_try_timeout');
  }

  onAttemptIdle(attempt: Attempt): void {
    if (this.#retries?.hedges) this.#hedge(attempt);
    else this.#giveUp(attempt, this.#request.cluster.stats.upstreamRqPerTryIdleTimeout, 'upstream_per_try_idle_timeout');
  }

  // Tries.

  #try(host: Host): void {
    const { action, cluster, record } = this.#request;
    record.attempts += 1;
    record.upstreamHost = host.address;
    record.upstreamFailure = undefined;
    // mostly the only one, and an array that grows makes room for sixteen more
    if (this.#tried.length === 0) this.#tried = [host];
    else this.#tried.push(host);
    const attempt = new Attempt(cluster, host, action.priority, this);
    if (this.#attempts.length === 0) this.#attempts = [attempt];
    else this.#attempts.push(attempt);
    attempt.start();
  }

  /** Another try will come, after its back-off. */
  #tryAgain(afterMs?: number, wasSlow = false): boolean {
    const retries = this.#retries;
    if (!retries || (retries.left > 0 && !this.#flow.body.isWhole)) return false;
    const verdict = retries.schedule(() => {
      const host = this.#request.cluster.pickAgain(this.#tried, retries.policy.selection, wasSlow);
      if (host) this.#try(host);
      else if (this.#attempts.length === 0) this.#onNoHost();
    }, afterMs);
    if (verdict.kind === 'refused') this.#request.record.setFlag(verdict.flag);
    return verdict.kind === 'scheduled';
  }

  /** Another try lives, or is about to. */
  get #isAnybodyLeft(): boolean {
    return this.#attempts.length > 0 || this.#retries?.isPending === true;
  }

  /** A response that the policy wants another try for: gone if one comes, or if another try may still do better. */
  #refusesResponse(attempt: Attempt, facts: ResponseFacts, headers: HeaderBlock): boolean {
    const retries = this.#retries;
    if (!retries?.wantsAfterResponse(facts, headers) || this.#isPastDeadline) return false;
    if (!attempt.isReplaced && this.#tryAgain(retries.afterMs(headers))) {
      this.#request.cluster.stats.retryUpstreamRq().record(facts.status);
      return true;
    }
    return this.#attempts.length > 1 || retries.isPending;
  }

  /** The caller's own time is over, and nobody waits for an answer any more. */
  get #isPastDeadline(): boolean {
    const { record, headers } = this.#request;
    const ms = record.isGrpc ? callerTimeoutMs(headers) : undefined;
    return ms !== undefined && this.#deps.clock.monotonicMs() - record.startMs >= ms;
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
    const { wholeMs } = this.#timeouts;
    if (wholeMs !== null) this.#timeout = this.#deps.clock.after(wholeMs, () => this.#onTimeout());
    for (const attempt of this.#attempts) this.#armTry(attempt);
  }

  /** A try's own times begin when the caller has sent the whole request. */
  #armTry(attempt: Attempt): void {
    if (this.#retries && this.#phase.kind === 'waiting')
      attempt.arm(this.#deps.clock, this.#timeouts.perTryMs, this.#retries.policy.perTryIdleTimeoutMs);
  }

  /** The slow try goes on; beside it another host is asked, if there is one that was not. */
  #hedge(attempt: Attempt): void {
    attempt.host.monitor?.onFailure('timeout');
    attempt.isTimedOut = true;
    const retries = this.#retries;
    if (!retries?.mayHedge || this.#phase.kind !== 'waiting' || attempt.isReplaced) return;
    const host = this.#flow.body.isWhole ? this.#request.cluster.pickUntried(this.#tried, retries.policy.selection) : undefined;
    if (!host && retries.left > 0) return;
    const verdict = retries.takeNow();
    if (verdict.kind === 'refused') this.#request.record.setFlag(verdict.flag);
    if (!host || verdict.kind === 'refused') return;
    attempt.isReplaced = true;
    this.#try(host);
  }

  #giveUp(attempt: Attempt, counter: Counter, details: PerTryDetails): void {
    counter.value += 1;
    attempt.host.rqTimeout += 1;
    attempt.host.monitor?.onFailure('timeout');
    const reply = requestTimeout(details);
    if (this.#phase.kind === 'responding') {
      this.#end();
      this.#downstream.abort('UT', reply.details);
      return;
    }
    this.#drop(attempt);
    if (this.#retries?.wantsAfterFailure('local reset', true) && this.#tryAgain()) return;
    if (!this.#isAnybodyLeft) this.#answer(reply, 504);
  }

  #onTimeout(): void {
    const { stats } = this.#request.cluster;
    const isWaiting = this.#phase.kind === 'waiting';
    for (const { host, isTimedOut } of this.#attempts) {
      stats.upstreamRqTimeout.value += 1;
      host.rqTimeout += 1;
      if (!isWaiting) continue;
      stats.upstreamRq.record(504);
      if (!isTimedOut) host.monitor?.onFailure('timeout');
    }
    const reply = requestTimeout('response_timeout');
    this.#end();
    if (isWaiting) this.#reply(reply);
    else this.#downstream.abort('UT', reply.details);
  }

  // The response.

  #accept(attempt: Attempt, headers: HeaderBlock, endStream: boolean): void {
    const { record } = this.#request;
    this.#phase = { kind: 'responding', winner: attempt };
    this.#retries?.stop();
    for (const other of this.#attempts) if (other !== attempt) other.cancel();
    this.#attempts = [attempt];
    this.#flow.body.release(attempt.position);
    record.upstreamHost = attempt.host.address;
    record.upstreamFailure = undefined;
    if (record.details === '') record.details = 'via_upstream';
    // how long it took is only known of a request that has ended
    const serviceMs = record.requestEndMs === undefined ? -1 : Math.round(this.#deps.clock.monotonicMs() - record.requestEndMs);
    this.#downstream.sendHeaders(headers, endStream, serviceMs, record.attempts);
    if (endStream) this.#onResponseComplete();
  }

  #onResponseComplete(): void {
    if (this.#phase.kind === 'over') return;
    this.#request.cluster.stats.upstreamRqTime.record(this.#deps.clock.monotonicMs() - this.#startMs);
    this.#end();
  }

  #onNoHost(): void {
    this.#request.record.attempts += 1;
    this.#request.cluster.stats.upstreamCxNoneHealthy.value += 1;
    this.#answer(NO_HEALTHY_UPSTREAM, 503);
  }

  #answer(reply: LocalReply, status: number): void {
    this.#request.cluster.stats.upstreamRq.record(status);
    this.#end();
    this.#reply(reply);
  }

  #reply(reply: LocalReply): void {
    const { action, record } = this.#request;
    if (!action.attemptCount.inResponse) this.#downstream.reply(reply);
    else this.#downstream.reply({ ...reply, headers: [...(reply.headers ?? []), attemptCountField(record.attempts)] });
  }

  #end(): void {
    this.#phase = OVER;
    this.#timeout?.cancel();
    this.#retries?.stop();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts = [];
    this.#flow.body.release(this.#flow.body.length);
  }

  // Bytes.

  /** Gives every try what it has not had. A body beyond the limit is not kept any longer, once some try has its stream: before, nothing may be lost. */
  #sendBody(): void {
    this.#flow.send(this.#attempts, this.#need);
    if (this.#need !== 'perhaps' || !this.#flow.body.isOverLimit || !this.#attempts.some(({ stream }) => stream)) return;
    this.#request.cluster.stats.retryOrShadowAbandoned.value += 1;
    this.#retries?.forgo();
    this.#flow.send(this.#attempts, this.#need);
  }

  get #need(): BodyNeed {
    if (this.#retries === null || this.#phase.kind !== 'waiting' || !this.#flow.body.isWhole) return 'now';
    if (this.#retries.isPending) return 'soon';
    return this.#retries.left > 0 ? 'perhaps' : 'now';
  }
}
