// Random callers, hosts and clocks against the loop around tries: one answer each, nothing lost, nothing left behind, budgets kept.
import fc from 'fast-check';
import t from 'tap';
import {
  type Caller,
  type FakeStream,
  type Policy,
  perform,
  performCaller,
  performStream,
  type Step,
  World,
} from '../support/exchange-world.ts';

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
  budget: fc.constantFrom(40, 10_000, 10_000),
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
  for (const caller of world.callers) checkCaller(caller, world.streamsOf(caller));
  const bodies = world.callers.map(({ sent }) => sent.join());
  for (const { body } of world.streams)
    if (!bodies.some((sent) => sent.startsWith(body.join()))) throw new Error(`a body that nobody sent: ${body}`);
}

function checkCaller({ failedAt, isOver, isComplete, credited, sent }: Caller, streams: readonly FakeStream[]): void {
  if (failedAt >= 0 && streams.some(({ resetAt }) => resetAt === failedAt)) throw new Error('a try that failed ended one that lived');
  const [live, other] = streams.filter(({ isOpen }) => isOpen);
  if (isOver || isComplete || !live || other || live.room === 0) return;
  if (credited !== sent.length)
    throw new Error(`all ${sent.length} octets have gone on, and the caller may send ${credited} of them again`);
}

/** What holds once a caller has read all it was given. */
function checkRead(streams: readonly FakeStream[]): void {
  for (const { isOpen, given, credited } of streams)
    if (isOpen && credited !== given) throw new Error(`all ${given} octets were read, and the host may send ${credited} of them again`);
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
  if (world.budget.used !== 0) throw new Error(`${world.budget.used} octets are left in the budget`);
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
        const reader = step.do === 'drain down' ? world.caller(step.who) : undefined;
        await perform(world, step);
        check(world, policy);
        if (reader) checkRead(world.streamsOf(reader));
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
          budget: 10_000,
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
