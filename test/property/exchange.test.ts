// Random callers, hosts and clocks against the loop around tries: one answer each, nothing lost, nothing left behind, budgets kept.
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/core/index.ts';
import { CircuitBreakers, CircuitBreakers_Thresholds } from '../../src/gen/envoy/config/cluster/v3/circuit_breaker.ts';
import { Cluster as ClusterMessage } from '../../src/gen/envoy/config/cluster/v3/cluster.ts';
import { RouteConfiguration } from '../../src/gen/envoy/config/route/v3/route.ts';
import { HedgePolicy, VirtualHost } from '../../src/gen/envoy/config/route/v3/route_components.ts';
import { field, findField, headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock, Http2Stream } from '../../src/http2/types.ts';
import { RequestRecord } from '../../src/proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler } from '../../src/proxy/cluster/index.ts';
import type { HostPool, StreamRequest } from '../../src/proxy/cluster/types.ts';
import { createRouteCompiler } from '../../src/proxy/route/index.ts';
import type { ForwardAction } from '../../src/proxy/route/types.ts';
import { Exchange } from '../../src/proxy/upstream/index.ts';
import type { Downstream, LocalReply } from '../../src/proxy/upstream/types.ts';
import { MetricRegistry } from '../../src/telemetry/index.ts';
import { egressRetries, http2Cluster, routeTo } from '../support/data-plane.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { bytesOf, message, ms } from '../support/message.ts';
import { tlsSources } from '../support/tls-sources.ts';

interface Policy {
  readonly numRetries: number;
  readonly perTry: boolean;
  readonly perTryIdle: boolean;
  readonly hedges: boolean;
  readonly whole: boolean;
  readonly bufferLimit: number;
  readonly maxRetries: number;
  readonly grpcTimeout: boolean;
}

/** `who`: which request or which try, modulo how many there are. */
type Step =
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
class FakeStream implements Http2Stream {
  readonly id = 1;
  headers: HeaderBlock | null = null;
  readonly body: number[] = [];
  ended = false;
  over: 'us' | 'peer' | null = null;
  answered = false;
  room = 2;
  /** Which step of the run reset it. */
  resetAt = -1;
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

  credit(): void {}
}

/** A caller that checks the order of what it gets. */
class Caller implements Downstream {
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
class World {
  readonly clock = new FakeClock();
  readonly callers: Caller[] = [];
  readonly waiting: StreamRequest[] = [];
  readonly streams: FakeStream[] = [];
  readonly cluster: Cluster;
  readonly #action: ForwardAction;
  readonly #policy: Policy;
  opened = 0;
  step = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
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
    caller.exchange = new Exchange({ clock: this.clock, random: seededRandom(2) }, request, caller, ended);
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

async function perform(world: World, step: Step): Promise<void> {
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

function performCaller(caller: Caller | undefined, step: Extract<Step, { do: 'body' | 'trailers' | 'cancel' | 'drain down' }>): void {
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

function performStream(world: World, step: Extract<Step, { do: 'answer' | 'data' | 'end' | 'fail' | 'drain up' }>): void {
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

const who = fc.nat({ max: 7 });
const policies: fc.Arbitrary<Policy> = fc.record({
  numRetries: fc.integer({ min: 0, max: 3 }),
  perTry: fc.constantFrom(true, true, false),
  perTryIdle: fc.boolean(),
  hedges: fc.constantFrom(true, true, false),
  whole: fc.boolean(),
  bufferLimit: fc.constantFrom(0, 20, 10_000),
  maxRetries: fc.integer({ min: 0, max: 3 }),
  grpcTimeout: fc.constantFrom(false, false, true),
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), ended: fc.constantFrom(true, true, false) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('body' as const), who, size: fc.nat({ max: 12 }), end: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trailers' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), who }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('ready' as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('unreachable' as const, 'overflow' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drain up' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain down' as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      who,
      status: fc.constantFrom(200, 200, 503),
      grpc: fc.constantFrom(null, null, 0, 2, 14),
      end: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('data' as const), who, end: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), who, code: fc.constantFrom(0, 1, 2, 7, 8) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 12, 25, 45, 45, 70) }) },
);

/** What holds after every step. */
function check(world: World, { numRetries, maxRetries }: Policy): void {
  const { breakers } = world.cluster;
  if (breakers.default.retries.active > maxRetries) throw new Error(`${breakers.default.retries.active} retries of ${maxRetries}`);
  if (world.opened > world.callers.length * (1 + numRetries)) throw new Error('more tries than the policy has');
  for (const [i, { failedAt }] of world.callers.entries()) {
    const mine = world.streams.filter(({ headers }) => findField(headers ?? [], 'x-caller')?.value === String(i));
    if (failedAt >= 0 && mine.some(({ resetAt }) => resetAt === failedAt)) throw new Error('a try that failed ended one that lived');
  }
  const bodies = world.callers.map(({ sent }) => sent.join());
  for (const { body } of world.streams)
    if (!bodies.some((sent) => sent.startsWith(body.join()))) throw new Error(`a body that nobody sent: ${body}`);
}

/** Lets every request come to its end, and then nothing may be left of them. */
async function finish(world: World): Promise<void> {
  for (const caller of world.callers) if (!caller.isOver) performCaller(caller, { do: 'body', who: 0, size: 0, end: true });
  for (let turn = 0; turn < 40 && world.callers.some(({ isOver }) => !isOver); turn += 1) {
    while (world.waiting.length > 0) world.failPool(0, 'remote connection failure');
    for (const stream of world.streams.filter(({ isOpen }) => isOpen)) {
      stream.over = 'peer';
      stream.handler.onReset({ code: 8, origin: 'peer' });
    }
    await world.clock.advance(60);
  }
  const lost = world.callers.filter(({ isOver }) => !isOver);
  if (lost.length > 0) throw new Error(`${lost.length} requests never ended`);
  for (const { answers, outcome } of world.callers)
    if (answers > 1 || (answers === 0 && outcome !== 'cancelled')) throw new Error(`${answers} answers, ${outcome}`);
  if (world.clock.pending > 0) throw new Error(`${world.clock.pending} timers are left`);
  if (world.waiting.length > 0 || world.streams.some(({ over }) => over === null)) throw new Error('a try lives on');
  const { breakers, stats, hosts } = world.cluster;
  const left = [breakers.default.retries.active, breakers.default.requests.active, stats.upstreamRqActive.value];
  if ([...left, ...hosts.map(({ rqActive }) => rqActive)].some((count) => count !== 0)) throw new Error(`still counted: ${left}`);
}

t.test('every request has one answer, and leaves nothing behind', async (t) => {
  const runs = Number(process.env['RINGWAY_PROPERTY_RUNS'] ?? 1500);
  await fc.assert(
    fc.asyncProperty(policies, fc.array(anyStep, { minLength: 5, maxLength: 60 }), async (policy, steps) => {
      const world = new World(policy);
      for (const step of steps) {
        world.step += 1;
        await perform(world, step);
        check(world, policy);
      }
      await finish(world);
      world.cluster.close();
    }),
    { numRuns: runs },
  );
  t.pass(`${runs} runs`);
});

t.test('a whole body arrives at every try that is given its end', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 30 }), { maxLength: 12 }),
      fc.nat({ max: 12 }),
      fc.boolean(),
      async (sizes, failAt, hasTrailers) => {
        const world = new World({
          numRetries: 2,
          perTry: false,
          perTryIdle: false,
          hedges: false,
          whole: false,
          bufferLimit: 10_000,
          maxRetries: 3,
          grpcTimeout: false,
        });
        world.begin(false);
        const caller = world.callers[0] as Caller;
        world.ready(0);
        for (const [i, size] of sizes.entries()) {
          performCaller(caller, { do: 'body', who: 0, size, end: false });
          if (i === failAt) {
            performStream(world, { do: 'fail', who: 0, code: 8 });
            await world.clock.advance(60);
            world.ready(0);
          } else if (i % 3 === 0) performStream(world, { do: 'drain up', who: 0 });
        }
        performCaller(caller, hasTrailers ? { do: 'trailers', who: 0 } : { do: 'body', who: 0, size: 3, end: true });
        for (let i = 0; i < 20; i += 1) performStream(world, { do: 'drain up', who: 0 });
        const last = world.streams.at(-1) as FakeStream;
        t.strictSame([last.body, last.ended], [caller.sent, true]);
        t.equal(caller.credited, caller.sent.length, 'the caller may go on');
        world.cluster.close();
      },
    ),
    { numRuns: 200 },
  );
});
