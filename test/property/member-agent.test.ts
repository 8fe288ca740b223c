import fc from 'fast-check';
import t from 'tap';
import { Observable, RingwayError } from '../../src/core/index.ts';
import { type HealthAnswer, MemberAgent } from '../../src/membership/agent/index.ts';
import { JOINING, nextReadiness } from '../../src/membership/agent/readiness.ts';
import { createMemoryBus } from '../../src/membership/bus/index.ts';
import type { MemberState } from '../../src/membership/types.ts';
import { inboundBootstrap, planAnnouncement } from '../../src/proxy/bootstrap/index.ts';
import { MetricRegistry } from '../../src/telemetry/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { LogRecorder } from '../support/recording-logger.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`SEED=${seed}`);

const answers: fc.Arbitrary<HealthAnswer> = fc.constantFrom(
  { kind: 'serving' },
  { kind: 'not-serving' },
  { kind: 'unimplemented' },
  { kind: 'refused', reason: 'r' },
  { kind: 'failed', reason: 'f' },
);

t.test('a live-store is ACTIVE from an answer until it denies it or is silent three times, and never otherwise', async () => {
  fc.assert(
    fc.property(fc.array(answers, { maxLength: 30 }), (given) => {
      const state = given.reduce(nextReadiness, JOINING);
      const last = given.findLastIndex(({ kind }) => kind === 'serving' || kind === 'unimplemented');
      const since = given.slice(last + 1);
      const isActive = last >= 0 && since.length < 3 && since.every(({ kind }) => kind === 'refused' || kind === 'failed');
      return (state.kind === 'active') === isActive && (state.kind !== 'leaving' || since.some(({ kind }) => kind === 'not-serving'));
    }),
    { seed, numRuns: 2_000 },
  );
});

type Step =
  | { readonly kind: 'answer'; readonly answer: HealthAnswer }
  | { readonly kind: 'bus'; readonly isUp: boolean }
  | { readonly kind: 'time'; readonly ms: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  answers.map((answer): Step => ({ kind: 'answer', answer })),
  fc.boolean().map((isUp): Step => ({ kind: 'bus', isUp })),
  fc.integer({ min: 1, max: 12_000 }).map((ms): Step => ({ kind: 'time', ms })),
);

t.test('whatever happens, the ring hears in the end how it is, and nothing once it has left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (given) => {
      const clock = new FakeClock();
      const connected = new Observable(true);
      const bus = createMemoryBus({ clock, connected });
      const told: (MemberState | null)[] = [];
      const stop = new AbortController();
      const watching = (async () => {
        for await (const event of bus.watch(stop.signal)) if (event.kind === 'members') told.push(event.members[0]?.state ?? null);
      })();
      let answer: HealthAnswer = { kind: 'refused', reason: 'r' };
      const agent = new MemberAgent(
        { id: 'a-0', address: '10.0.0.7:9096', zone: '', partition: 0 },
        {
          ...{ bus, clock, random: () => 0.5, logger: new LogRecorder().logger, metrics: new MetricRegistry() },
          probe: { check: () => Promise.resolve(answer), close: () => {} },
        },
      );
      agent.start();
      for (const step of given) {
        if (step.kind === 'answer') answer = step.answer;
        else if (step.kind === 'bus') connected.set(step.isUp);
        else await clock.advance(step.ms);
        await settle();
      }
      connected.set(true);
      await clock.advance(20_000);
      const isUp = answer.kind === 'serving' || answer.kind === 'unimplemented';
      const state = told.at(-1);
      const isRight = isUp ? state === 'ACTIVE' : state === 'JOINING' || (state === 'LEAVING' && answer.kind === 'not-serving');
      await agent.drain();
      await agent.leave(1_000);
      await settle();
      const isGone = told.at(-1) === null;
      const { length } = told;
      await clock.advance(60_000);
      stop.abort();
      await watching;
      return isRight && isGone && told.length === length;
    }),
    { seed, numRuns: 300 },
  );
});

t.test('whatever stands in node.metadata.ringway.announce is a plan or one line', async () => {
  const values = fc.dictionary(
    fc.oneof(
      fc.constantFrom('nats', 'nats_creds', 'nats_user', 'nats_bucket', 'advertise', 'partition', 'health_tenant', 'a\nb'),
      fc.string(),
    ),
    fc.oneof(fc.constantFrom('nats://n:4222', '10.0.0.7:9096', 'none', 3, 'a\nb', ['x\n']), fc.jsonValue()),
  );
  const bootstrap = inboundBootstrap({ ring: 'r', member: 'a-0', listen: { host: '', port: 9096 }, local: { host: '', port: 9095 } });
  fc.assert(
    fc.property(fc.oneof(values, fc.jsonValue()), (announce) => {
      const node = { ...(bootstrap.node as NonNullable<typeof bootstrap.node>), metadata: { ringway: { announce } } };
      try {
        return typeof planAnnouncement({ ...bootstrap, node })?.member === 'string';
      } catch (error) {
        return error instanceof RingwayError && error.code === 'BAD_ANNOUNCE' && !error.message.includes('\n');
      }
    }),
    { seed, numRuns: 3_000 },
  );
});
