// A time that somebody else is given: over in time, or looked at once more when this process was late itself.
import t from 'tap';
import { startFairTimer } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

t.test('in time it is over at once', async (t) => {
  const clock = new FakeClock();
  let fired = 0;
  startFairTimer(clock, 150, () => {
    fired += 1;
  });
  await clock.advance(150);
  t.equal(fired, 1);
});

t.test('late it waits until what came was read, and may be cancelled by it', async (t) => {
  const clock = new FakeClock();
  let lateMs = 0;
  const stalling = { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs() + lateMs, after: clock.after.bind(clock) };
  let fired = 0;
  const start = () =>
    startFairTimer(stalling, 150, () => {
      fired += 1;
    });
  start();
  lateMs = 100;
  await clock.advance(150);
  t.equal(fired, 0);
  await clock.advance(1);
  t.equal(fired, 1);
  lateMs = 0;
  const answered = start();
  lateMs = 100;
  await clock.advance(150);
  answered.cancel();
  await clock.advance(10);
  t.equal(fired, 1);
});
