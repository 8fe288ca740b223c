// Clocks of control and of NATS that differ: whoever lives is neither old nor forgotten for that.
import t from 'tap';
import { type Clock, systemClock } from '../../src/core/index.ts';
import { natsBus, natsConnection, watchBus } from '../support/nats-bus.ts';
import { natsServer } from '../support/nats-server.ts';

t.setTimeout(60_000);

/** The time here, so much later. It can be set while it is used. */
class SetClock implements Clock {
  aheadMs: number;

  constructor(aheadMs: number) {
    this.aheadMs = aheadMs;
  }

  nowMs(): number {
    return systemClock.nowMs() + this.aheadMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  after(...args: Parameters<Clock['after']>): ReturnType<Clock['after']> {
    return systemClock.after(...args);
  }
}

const MEMBER = { id: 'a', address: '10.0.0.1:9096', zone: '', partition: null, state: 'ACTIVE' } as const;

const server = await natsServer(t);
if (server !== undefined) {
  await server.start();

  await t.test('three minutes apart', async (t) => {
    for (const [bucket, aheadMs, warning] of [
      ['ahead', 180_000, 'the clock of the server: is 180 s behind ours; set one of them right'],
      ['behind', -180_000, 'the clock of the server: is 180 s ahead of ours; set one of them right'],
      ['equal', 0, undefined],
    ] as const) {
      const connection = natsConnection([server.url], { bucket });
      const seen = watchBus(t, natsBus(t, connection, { forgetAfterMs: 1000 }, { clock: new SetClock(aheadMs) }));
      await seen.when((members) => members.length === 0);
      const bus = natsBus(t, connection);
      const lease = await bus.join(MEMBER);
      await seen.when((members) => members.length === 1);
      const from = seen.events.length;
      for (let i = 0; i < 15; i += 1) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await bus.heartbeat(lease);
      }
      for (const event of seen.events.slice(from)) {
        t.match(event, { kind: 'members', members: [{ id: 'a' }] });
        if (event.kind !== 'members') continue;
        const ageMs = event.asOfMs - (event.members[0]?.heartbeatMs ?? 0);
        t.ok(ageMs >= 0 && ageMs < 1000, `${bucket}: ${ageMs} ms old`);
        t.equal(event.warning, warning);
      }
      await seen.when((members) => members.length === 0);
      t.pass('who says nothing any more is forgotten');
    }
  });

  await t.test('set while it is read: seen within a quarter of a minute', async (t) => {
    const connection = natsConnection([server.url], { bucket: 'set' });
    const clock = new SetClock(0);
    const seen = watchBus(t, natsBus(t, connection, {}, { clock }));
    await seen.when((members) => members.length === 0);
    const bus = natsBus(t, connection);
    const lease = await bus.join(MEMBER);
    await seen.when((members) => members.length === 1);
    clock.aheadMs = 180_000;
    const from = seen.events.length;
    const beating = setInterval(() => void bus.heartbeat(lease), 500);
    const startMs = Date.now();
    await seen.when((members, { asOfMs, warning }) => warning !== undefined && asOfMs - (members[0]?.heartbeatMs ?? 0) < 2000);
    clearInterval(beating);
    t.ok(Date.now() - startMs < 15_000);
    for (const event of seen.events.slice(from)) t.match(event, { kind: 'members', members: [{ id: 'a' }] });
  });
}
