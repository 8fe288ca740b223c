import t from 'tap';
import { type Clock, Observable } from '../../../src/core/index.ts';
import { createMemoryBus } from '../../../src/membership/bus/index.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { busSuite } from './bus-suite.ts';

t.test('the bus within one process keeps the promises of every bus', (t) =>
  busSuite(t, {
    create: async (t, forgetAfterMs) => {
      const clock = new FakeClock();
      const connected = new Observable(true);
      const bus = createMemoryBus({ clock, connected, forgetAfterMs });
      t.teardown(() => bus.close());
      return {
        connect: () => bus,
        takeAway: async () => connected.set(false),
        giveBack: async () => connected.set(true),
        timers: () => clock.pending,
        until: async (look) => {
          for (let waitedMs = 0; waitedMs < 300_000; waitedMs += 50) {
            const seen = look();
            if (seen !== undefined) return seen;
            await clock.advance(50);
          }
          throw new Error('it does not happen within five minutes');
        },
      };
    },
  }),
);

t.test(
  'a minute without the bus: nobody ages, who joined or left is right at once, who died is judged after the others are back',
  async (t) => {
    const clock = new FakeClock();
    const connected = new Observable(true);
    const bus = createMemoryBus({ clock, connected });
    t.teardown(() => bus.close());
    const join = (id: string) => bus.join({ id, address: '10.0.0.1:9096', zone: '', partition: null, state: 'ACTIVE' });
    const leases = await Promise.all(['a', 'b', 'c', 'd', 'dead', 'left'].map(join));
    const living = leases.slice(0, 4);
    let ages: Record<string, number> = {};
    let failed = 0;
    void (async () => {
      for await (const event of bus.watch(new AbortController().signal)) {
        if (event.kind === 'failed') failed += 1;
        else ages = Object.fromEntries(event.members.map(({ id, heartbeatMs }) => [id, event.asOfMs - (heartbeatMs ?? 0)]));
      }
    })();
    await clock.advance(3000);
    connected.set(false);
    await clock.advance(60_000);
    t.equal(failed, 1);
    connected.set(true);
    await clock.advance(0);
    t.strictSame(ages, { a: 3000, b: 3000, c: 3000, d: 3000, dead: 3000, left: 3000 });
    for (const lease of living) await bus.heartbeat(lease);
    await bus.leave(leases[5] ?? fail());
    await join('new');
    await clock.advance(0);
    t.strictSame(ages, { a: 0, b: 0, c: 0, d: 0, dead: 3000, new: 0 });
    await clock.advance(1499);
    t.equal(ages['dead'], 3000);
    await clock.advance(1);
    t.equal(ages['dead'], 64_500);
  },
);

t.test('a clock that is set, a process that stood still: nobody who lives is forgotten for that, who is dead is', async (t) => {
  for (const what of ['set ahead', 'stood still'] as const) {
    const clock = new FakeClock();
    let aheadMs = 0;
    const shown: Clock = {
      nowMs: () => clock.nowMs() + aheadMs,
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, fn) => clock.after(delayMs, fn),
    };
    const bus = createMemoryBus({ clock: shown });
    t.teardown(() => bus.close());
    const join = (id: string) => bus.join({ id, address: '10.0.0.1:9096', zone: '', partition: null, state: 'ACTIVE' });
    const [living = fail()] = await Promise.all(['living', 'dead'].map(join));
    const seen: string[] = [];
    void (async () => {
      for await (const event of bus.watch(new AbortController().signal))
        if (event.kind === 'members') seen.push(event.members.map(({ id }) => id).join());
    })();
    await clock.advance(60_000);
    if (what === 'set ahead') aheadMs = 180_000;
    else await clock.oversleep(180_000);
    for (let s = 0; s < 40; s += 5) {
      await clock.advance(5000);
      await bus.heartbeat(living);
    }
    await settle();
    t.strictSame([...new Set(seen)], ['dead,living', 'living'], what);
  }
});

function fail(): never {
  throw new Error('no lease');
}
