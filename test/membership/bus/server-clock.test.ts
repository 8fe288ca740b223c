import t from 'tap';
import { ServerClock } from '../../../src/membership/bus/nats/server-clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const START_MS = Date.parse('2026-11-21T12:00:00Z');

/** Compares with a server that is so much behind when it answers, and takes a second each way. */
async function compare(clock: FakeClock, server: ServerClock, behindMs: number): Promise<boolean> {
  const { answer, stepped } = await server.compare(async () => {
    await clock.advance(1000);
    const ts = new Date(clock.nowMs() - behindMs).toISOString().replace('Z', '123456Z');
    await clock.advance(1000);
    return { ts, other: 1 };
  });
  t.equal(answer.other, 1);
  return stepped;
}

t.test('a difference that may be the time that an answer takes is none', async (t) => {
  const clock = new FakeClock(START_MS);
  const server = new ServerClock(clock);
  for (const behindMs of [0, 900, -900, 5900, -5900]) {
    t.equal(await compare(clock, server, behindMs), false, `${behindMs}`);
    t.equal(server.behindMs, 0);
    t.equal(server.warning, null);
  }
});

t.test('one that is known stays what it is until a clock is set', async (t) => {
  const clock = new FakeClock(START_MS);
  const server = new ServerClock(clock);
  t.equal(await compare(clock, server, 180_000), true);
  t.equal(server.behindMs, 179_000, 'the least that it can be');
  t.equal(server.warning, 'is 179 s behind ours; set one of them right');
  for (const behindMs of [180_500, 177_000]) t.equal(await compare(clock, server, behindMs), false, `${behindMs}`);
  t.equal(server.behindMs, 179_000);
  t.equal(await compare(clock, server, -60_000), true);
  t.equal(server.warning, 'is 59 s ahead of ours; set one of them right');
  t.equal(await compare(clock, server, 10), true);
  t.equal(server.behindMs, 0);
});

t.test('a server that does not say when: nothing is learned', async (t) => {
  const server = new ServerClock(new FakeClock());
  for (const answer of [{}, { ts: 7 }, { ts: 'yesterday' }]) {
    t.strictSame(await server.compare(async () => answer), { answer, stepped: false });
    t.equal(server.behindMs, 0);
  }
});
