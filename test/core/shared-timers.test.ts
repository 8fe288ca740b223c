// Timers that share one timer are, seen from outside, timers like any other; and a clock that is read once a turn.
import fc from 'fast-check';
import t from 'tap';
import { type Clock, sharedTimers, type Timer, turnClock } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

t.test('many timers are one timer of the clock below', async (t) => {
  const below = new FakeClock();
  const clock = sharedTimers(below);
  const fired: number[] = [];
  const timers = Array.from({ length: 100 }, (_, i) => clock.after(1000, () => fired.push(i)));
  t.equal(below.pending, 1);
  for (const timer of timers.slice(0, 98)) timer.cancel();
  await below.advance(999);
  t.strictSame(fired, []);
  await below.advance(1);
  t.strictSame(fired, [98, 99]);
  t.equal(below.pending, 0, 'nothing waits, nothing is armed');
  timers[0]?.cancel();
  timers[99]?.cancel();
});

t.test('a timer whose fn throws does not hold up those behind it', async (t) => {
  const below = new FakeClock();
  const clock = sharedTimers(below);
  const fired: string[] = [];
  clock.after(10, () => {
    throw new Error('boom');
  });
  clock.after(10, () => fired.push('behind'));
  await t.rejects(below.advance(10), { message: 'boom' });
  await below.advance(1);
  t.strictSame(fired, ['behind']);
});

t.test('a timer that is armed while others fire does not make them late', async (t) => {
  const below = new FakeClock(0);
  const clock = sharedTimers(below);
  const fired: string[] = [];
  clock.after(10, () => {
    fired.push(`first at ${below.nowMs()}`);
    clock.after(10, () => fired.push(`again at ${below.nowMs()}`));
  });
  await below.advance(5);
  clock.after(10, () => fired.push(`second at ${below.nowMs()}`));
  await below.advance(100);
  t.strictSame(fired, ['first at 10', 'second at 15', 'again at 20']);
});

t.test("an earlier timer is armed earlier, and one that keeps the process alive is the clock's own", async (t) => {
  const below = new FakeClock(0);
  const clock = sharedTimers(below);
  const fired: string[] = [];
  clock.after(1000, () => fired.push('late'));
  clock.after(0.5, () => fired.push('early'));
  t.equal(below.pending, 1);
  clock.after(2000, () => fired.push('kept'), { keepAlive: true });
  t.equal(below.pending, 2);
  await below.advance(1);
  t.strictSame(fired, ['early']);
  await below.advance(1999);
  t.strictSame(fired, ['early', 'late', 'kept']);
});

t.test('cancelled timers do not pile up', async (t) => {
  const below = new FakeClock(0);
  const clock = sharedTimers(below);
  let fired = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const timer = clock.after(15_000 + (i % 997), () => {
      fired += 1;
    });
    if (i % 1000 !== 0) timer.cancel();
  }
  await below.advance(20_000);
  t.equal(fired, 100);
  t.equal(below.pending, 0);
});

t.test('the time stands still for a turn, timers do not', async (t) => {
  const below = new FakeClock(1000);
  const ends: (() => void)[] = [];
  const clock = turnClock(below, (fn) => ends.push(fn));
  t.strictSame([clock.nowMs(), clock.monotonicMs()], [1000, 1000]);
  await below.advance(5);
  t.strictSame([clock.nowMs(), clock.monotonicMs()], [1000, 1000]);
  let firedAt = 0;
  clock.after(7, () => {
    firedAt = below.nowMs();
  });
  t.equal(ends.length, 1, 'asked for once a turn');
  ends[0]?.();
  t.strictSame([clock.nowMs(), clock.monotonicMs()], [1005, 1005]);
  await below.advance(100);
  t.equal(firedAt, 1012);
});

t.test('any timers fire when and in the order in which those of a plain clock do', async (t) => {
  const seed = Number(process.env['RINGWAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.comment(`seed ${seed} (RINGWAY_SEED)`);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('arm' as const), ms: fc.constantFrom(0, 1, 5, 20) }),
    fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(10) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 3, 20) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const run = async (below: FakeClock, clock: Clock): Promise<string[]> => {
        const fired: string[] = [];
        const timers: Timer[] = [];
        for (const one of steps) {
          if (one.kind === 'arm') {
            const id = timers.length;
            timers.push(clock.after(one.ms, () => fired.push(`${id} at ${below.nowMs()}`)));
          } else if (one.kind === 'cancel') timers[one.index]?.cancel();
          else await below.advance(one.ms);
        }
        await below.advance(100);
        return fired.sort();
      };
      const [plain, shared] = [new FakeClock(0), new FakeClock(0)];
      t.strictSame(await run(shared, sharedTimers(shared)), await run(plain, plain));
      return shared.pending === 0;
    }),
    { seed, numRuns: 100 },
  );
});
