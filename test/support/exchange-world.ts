// A world of callers, hosts and time around the loop of tries, moved step by step.
import { seededRandom } from '../../src/core/index.ts';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import { Cluster as ClusterMessage } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { RouteConfiguration } from '../../src/gen/envoy/config/route/v3/route.ts';
import { HedgePolicy, VirtualHost } from '../../src/gen/envoy/config/route/v3/route_components.ts';
import { BufferBudget, field, findField, headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../../src/http2/types.ts';
import { RequestRecord } from '../../src/proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler } from '../../src/proxy/cluster/index.ts';
import type { HostPool, StreamRequest } from '../../src/proxy/cluster/types.ts';
import { createRouteCompiler } from '../../src/proxy/route/index.ts';
import type { ForwardAction } from '../../src/proxy/route/types.ts';
import { Exchange } from '../../src/proxy/upstream/index.ts';
import type { Downstream, LocalReply } from '../../src/proxy/upstream/types.ts';
import { MetricRegistry } from '../../src/telemetry/index.ts';
import { egressRetries, http2Cluster, routeTo } from './data-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { bytesOf, message, ms } from './message.ts';
import { tlsSources } from './tls-sources.ts';

export interface Policy {
  readonly numRetries: number;
  readonly perTry: boolean;
  readonly perTryIdle: boolean;
  readonly hedges: boolean;
  readonly whole: boolean;
  readonly bufferLimit: number;
  readonly maxRetries: number;
  readonly grpcTimeout: boolean;
  /** Octets that all requests together may keep. */
  readonly budget: number;
}

/** `who`: which request or which try, modulo how many there are. */
export type Step =
  | { readonly do: 'begin'; readonly ended: boolean }
  | { readonly do: 'body'; readonly who: number; readonly size: number; readonly end: boolean }
  | { readonly do: 'trailers'; readonly who: number }
  | { readonly do: 'cancel'; readonly who: number }
  | { readonly do: 'drain down'; readonly who: number }
  | { readonly do: 'ready' | 'unreachable' | 'overflow'; readonly who: number }
  | { readonly do: 'drain up'; readonly who: number }
  | { readonly do: 'answer'; readonly who: number; readonly status: number; readonly grpc: number | null; readonly end: boolean }
  | { readonly do: 'data'; readonly who: number; readonly end: boolean }
  | { readonly do: 'end'; readonly who: number }
  | { readonly do: 'fail'; readonly who: number; readonly code: number }
  | { readonly do: 'wait'; readonly ms: number };

/** A stream that remembers what it was given. Takes `room` chunks between drains. */
export class FakeStream implements Http2Stream {
  readonly id = 1;
  headers: HeaderBlock | null = null;
  readonly body: number[] = [];
  ended = false;
  over: 'us' | 'peer' | null = null;
  answered = false;
  room = 2;
  /** Which step of the run reset it. */
  resetAt = -1;
  /** Octets of the response, and how many of them it may send again. */
  given = 0;
  credited = 0;
  readonly #request: StreamRequest;
  readonly #world: World;

  constructor(request: StreamRequest, world: World) {
    this.#request = request;
    this.#world = world;
  }

  get handler(): StreamRequest['handler'] {
    return this.#request.handler;
  }

  get isOpen(): boolean {
    return this.over === null;
  }

  sendHeaders(headers: HeaderBlock, endStream: boolean): void {
    if (this.headers) throw new Error('headers twice');
    this.headers = headers;
    this.ended = endStream;
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    if (!this.headers || this.ended) throw new Error('data before headers or after the end');
    this.body.push(...chunk);
    this.ended = endStream;
    this.room -= 1;
    return this.room > 0;
  }

  sendTrailers(): void {
    if (!this.headers || this.ended) throw new Error('trailers before headers or after the end');
    this.ended = true;
  }

  reset(): void {
    if (this.over !== null) return;
    this.over = 'us';
    this.resetAt = this.#world.step;
  }

  credit(bytes: number): void {
    this.credited += bytes;
    if (this.credited > this.given) throw new Error('credit for what was not given');
  }
}

/** A caller that checks the order of what it gets. */
export class Caller implements Downstream {
  exchange: Exchange | undefined;
  readonly sent: number[] = [];
  isComplete = false;
  outcome: 'none' | 'headers' | 'ended' | 'replied' | 'aborted' | 'cancelled' = 'none';
  answers = 0;
  credited = 0;
  /** The step in which it was told that no try brought a response. */
  failedAt = -1;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  get isOver(): boolean {
    return this.outcome !== 'none' && this.outcome !== 'headers';
  }

  sendHeaders(_headers: HeaderBlock, endStream: boolean): void {
    this.#must('none');
    this.answers += 1;
    this.outcome = endStream ? 'ended' : 'headers';
  }

  sendData(_chunk: Buffer, endStream: boolean): boolean {
    this.#must('headers');
    if (endStream) this.outcome = 'ended';
    return false;
  }

  sendTrailers(): void {
    this.#must('headers');
    this.outcome = 'ended';
  }

  credit(bytes: number): void {
    this.credited += bytes;
    if (this.credited > this.sent.length) throw new Error('credit for what was not sent');
  }

  reply({ details }: LocalReply): void {
    this.#must('none');
    if (details.startsWith('upstream_reset_before') || details === 'no_healthy_upstream') this.failedAt = this.#world.step;
    this.answers += 1;
    this.outcome = 'replied';
  }

  abort(): void {
    this.#must('headers');
    this.outcome = 'aborted';
  }

  #must(outcome: Caller['outcome']): void {
    if (this.outcome !== outcome) throw new Error(`called while ${this.outcome}`);
  }
}

/** Everything around the loop, in the hands of the test. */
export class World {
  readonly clock: FakeClock = new FakeClock();
  readonly callers: Caller[] = [];
  readonly waiting: StreamRequest[] = [];
  readonly streams: FakeStream[] = [];
  readonly cluster: Cluster;
  readonly budget: BufferBudget;
  readonly #action: ForwardAction;
  readonly #policy: Policy;
  opened = 0;
  step = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.budget = new BufferBudget(policy.budget);
    const pool: HostPool = {
      open: (request) => {
        this.opened += 1;
        this.waiting.push(request);
      },
      cancel: (request) => void this.waiting.splice(this.waiting.indexOf(request), 1),
      drain() {},
      close() {},
    };
    const limits = message(CircuitBreakers_Thresholds, { maxRetries: policy.maxRetries });
    const fields = http2Cluster('c', [['127.0.0.1:1'], ['127.0.0.1:2', '127.0.0.1:3']], {
      circuitBreakers: message(CircuitBreakers, { thresholds: [limits] }),
    });
    const deps = {
      tlsSources,
      clock: this.clock,
      random: seededRandom(1),
      metrics: new MetricRegistry(),
      resolveName: () => Promise.resolve([]),
    };
    this.cluster = createClusterCompiler({ ...deps, createPool: () => pool }).compile('c', bytesOf(ClusterMessage, fields)).compiled;
    this.#action = actionOf(policy);
  }

  begin(ended: boolean): void {
    const caller = new Caller(this);
    this.callers.push(caller);
    const now = { startedAtMs: this.clock.nowMs(), startMs: this.clock.monotonicMs() };
    const record = new RequestRecord(now, { remote: '', local: '' });
    record.isGrpc = true;
    const headers = [
      ...HEADERS,
      field('x-caller', String(this.callers.length - 1)),
      ...(this.#policy.grpcTimeout ? [field('grpc-timeout', '90m')] : []),
    ];
    const request = { action: this.#action, cluster: this.cluster, headers, record, bufferLimit: 1000, envoyHeaders: 'written' as const };
    caller.isComplete = ended;
    caller.exchange = new Exchange({ clock: this.clock, random: seededRandom(2), budget: this.budget }, request, caller, ended);
    caller.exchange.start();
  }

  /** The stream of a request that waits for one. */
  ready(who: number): void {
    const request = this.#takeWaiting(who);
    if (!request) return;
    const stream = new FakeStream(request, this);
    this.streams.push(stream);
    request.onReady(stream);
  }

  failPool(who: number, failure: 'remote connection failure' | 'overflow'): void {
    this.#takeWaiting(who)?.onPoolFailure(failure, 'test');
  }

  caller(who: number): Caller | undefined {
    const live = this.callers.filter(({ isOver }) => !isOver);
    return live[who % live.length];
  }

  /** A stream that is open and waits for headers, or that has begun to answer. */
  stream(who: number, answered: boolean): FakeStream | undefined {
    const live = this.streams.filter((stream) => stream.isOpen && stream.answered === answered);
    return live[who % live.length];
  }

  /** The streams of the tries of a caller. */
  streamsOf(caller: Caller): FakeStream[] {
    const name = String(this.callers.indexOf(caller));
    return this.streams.filter(({ headers }) => findField(headers ?? [], 'x-caller')?.value === name);
  }

  #takeWaiting(who: number): StreamRequest | undefined {
    return this.waiting.splice(who % Math.max(1, this.waiting.length), 1)[0];
  }
}

const HEADERS = headerBlock([
  [':method', 'POST'],
  [':path', '/a'],
]);

function actionOf({ numRetries, perTry, perTryIdle, hedges, whole, bufferLimit }: Policy): ForwardAction {
  const retryPolicy = egressRetries({
    retryOn: 'reset,connect-failure,unavailable,gateway-error',
    numRetries,
    ...(perTry ? { perTryTimeout: ms(40) } : {}),
    ...(perTryIdle ? { perTryIdleTimeout: ms(30) } : {}),
  });
  const hedgePolicy = message(HedgePolicy, { hedgeOnPerTryTimeout: hedges });
  const route = {
    ...routeTo('c', { timeout: ms(whole ? 120 : 0), retryPolicy, hedgePolicy }),
    requestBodyBufferLimit: BigInt(bufferLimit),
  };
  const hosts = [message(VirtualHost, { name: 'all', domains: ['*'], routes: [route] })];
  const { compiled } = createRouteCompiler().compile('r', bytesOf(RouteConfiguration, { name: 'r', virtualHosts: hosts }));
  return compiled.route('h', '/', [])?.action as ForwardAction;
}

export async function perform(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'begin':
      if (world.callers.length < 4) world.begin(step.ended);
      return;
    case 'wait':
      return world.clock.advance(step.ms);
    case 'body':
    case 'trailers':
    case 'cancel':
    case 'drain down':
      performCaller(world.caller(step.who), step);
      return;
    case 'ready':
      world.ready(step.who);
      return;
    case 'unreachable':
      world.failPool(step.who, 'remote connection failure');
      return;
    case 'overflow':
      world.failPool(step.who, 'overflow');
      return;
    default:
      performStream(world, step);
  }
}

export function performCaller(
  caller: Caller | undefined,
  step: Extract<Step, { do: 'body' | 'trailers' | 'cancel' | 'drain down' }>,
): void {
  if (!caller) return;
  if (step.do === 'cancel') {
    caller.outcome = 'cancelled';
    caller.exchange?.cancel();
  } else if (step.do === 'drain down') caller.exchange?.onDrain();
  else if (caller.isComplete) return;
  else if (step.do === 'trailers') {
    caller.isComplete = true;
    caller.exchange?.onTrailers([]);
  } else {
    const chunk = Buffer.from(Array.from({ length: step.size }, (_, i) => (caller.sent.length + i) % 251));
    caller.sent.push(...chunk);
    caller.isComplete = step.end;
    caller.exchange?.onData(chunk, step.end);
    chunk.fill(0xff); // it is only valid during its event
  }
}

export function performStream(world: World, step: Extract<Step, { do: 'answer' | 'data' | 'end' | 'fail' | 'drain up' }>): void {
  const begun = step.do === 'data' || step.do === 'end';
  const stream = world.stream(step.who, begun) ?? (step.do === 'fail' || step.do === 'drain up' ? world.stream(step.who, true) : undefined);
  if (!stream) return;
  switch (step.do) {
    case 'answer': {
      const status: [string, string] = [':status', String(step.status)];
      stream.answered = true;
      const ends = step.end || step.grpc !== null;
      stream.handler.onHeaders(headerBlock(step.grpc === null ? [status] : [status, ['grpc-status', String(step.grpc)]]), ends);
      if (ends) stream.over ??= 'peer';
      return;
    }
    case 'data':
      stream.given += 1;
      stream.handler.onData(Buffer.from('x'), step.end);
      if (step.end) stream.over ??= 'peer';
      return;
    case 'end':
      stream.handler.onTrailers(headerBlock([['grpc-status', '0']]));
      stream.over ??= 'peer';
      return;
    case 'fail':
      stream.over = 'peer';
      stream.handler.onReset({ code: step.code, origin: 'peer' });
      return;
    case 'drain up':
      stream.room = 2;
      stream.handler.onDrain();
  }
}
