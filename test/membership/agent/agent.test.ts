import t, { type Test } from 'tap';
import { Observable, RingwayError } from '../../../src/core/index.ts';
import { MemberAgent } from '../../../src/membership/agent/index.ts';
import type { HealthAnswer, LiveStoreProbe } from '../../../src/membership/agent/types.ts';
import { createMemoryBus } from '../../../src/membership/bus/index.ts';
import type { BusEvent, Member, MembershipBus } from '../../../src/membership/types.ts';
import { MetricRegistry, prometheusText } from '../../../src/telemetry/index.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { LogRecorder } from '../../support/recording-logger.ts';

const MEMBER = { id: 'live-store-zone-a-0', address: '10.0.0.7:9096', zone: 'zone-a', partition: 0 };
const SERVING: HealthAnswer = { kind: 'serving' };
const NOT_SERVING: HealthAnswer = { kind: 'not-serving' };
const REFUSED: HealthAnswer = { kind: 'refused', reason: 'cannot connect' };

/** A live-store that says what the test wants. */
class FakeLiveStore implements LiveStoreProbe {
  answer: HealthAnswer = REFUSED;
  asked = 0;
  isClosed = false;

  check(): Promise<HealthAnswer> {
    this.asked += 1;
    return Promise.resolve(this.answer);
  }

  close(): void {
    this.isClosed = true;
  }
}

interface Bench {
  readonly clock: FakeClock;
  readonly connected: Observable<boolean>;
  readonly bus: MembershipBus;
  readonly store: FakeLiveStore;
  readonly log: LogRecorder;
  readonly metrics: MetricRegistry;
  readonly agent: MemberAgent;
  /** Calls on the bus, in order, refused ones included. */
  readonly calls: string[];
  /** Who the bus says is there. */
  members(): readonly Member[];
  /** State as the bus has it, '-' when the member is not there. */
  told(): string;
  /** Another agent for the same member on the same bus. */
  twin(): MemberAgent;
}

/** `refuse` is thrown by every call on the bus while it returns something. */
function bench(t: Test, options: { connected?: boolean; answer?: HealthAnswer; refuse?: () => RingwayError | undefined } = {}): Bench {
  const clock = new FakeClock();
  const connected = new Observable(options.connected ?? true);
  const memory = createMemoryBus({ clock, connected });
  const calls: string[] = [];
  const counted =
    <Args extends readonly unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      calls.push(name);
      const error = options.refuse?.();
      if (error) throw error;
      return call(...args);
    };
  const bus: MembershipBus = {
    ...memory,
    connected,
    join: counted('join', memory.join),
    setState: counted('setState', memory.setState),
    heartbeat: counted('heartbeat', memory.heartbeat),
    leave: counted('leave', memory.leave),
  };
  let last: BusEvent | undefined;
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  void (async () => {
    for await (const event of memory.watch(stop.signal)) last = event;
  })();
  const store = new FakeLiveStore();
  store.answer = options.answer ?? REFUSED;
  const log = new LogRecorder();
  const metrics = new MetricRegistry();
  const deps = { bus, probe: store, clock, random: () => 0.5, logger: log.logger, metrics };
  const agent = new MemberAgent(MEMBER, deps);
  t.teardown(() => leaveNow(agent, clock));
  const members = (): readonly Member[] => (last?.kind === 'members' ? last.members : []);
  return {
    ...{ clock, connected, bus, store, log, metrics, agent, calls, members },
    told: () => members().find(({ id }) => id === MEMBER.id)?.state ?? '-',
    twin: () => {
      const twin = new MemberAgent(MEMBER, { ...deps, probe: new FakeLiveStore(), metrics: new MetricRegistry() });
      t.teardown(() => leaveNow(twin, clock));
      return twin;
    },
  };
}

/** Whatever the bus does. */
async function leaveNow(agent: MemberAgent, clock: FakeClock): Promise<void> {
  const left = agent.leave(0);
  await clock.advance(1_000);
  await left;
}

/** Says it, and lets time pass until it has been asked. */
async function says(b: Bench, answer: HealthAnswer, times = 1): Promise<void> {
  b.store.answer = answer;
  const goal = b.store.asked + times;
  while (b.store.asked < goal) await b.clock.advance(100);
  await settle();
}

t.test('JOINING until the live-store serves, then ACTIVE; what it says of itself stands on the bus', async (t) => {
  const b = bench(t);
  b.agent.start();
  await b.clock.advance(0);
  const nowMs = b.clock.nowMs();
  t.strictSame(b.members(), [{ ...MEMBER, state: 'JOINING', heartbeatMs: nowMs, registeredMs: nowMs }]);
  await says(b, NOT_SERVING);
  t.equal(b.told(), 'JOINING', 'NOT_SERVING is not ready');
  await says(b, SERVING);
  t.equal(b.told(), 'ACTIVE');
  t.strictSame(b.calls, ['join', 'setState']);
  t.match(b.log.of('agent.joined')[0], {
    fields: { member: MEMBER.id, address: MEMBER.address, zone: 'zone-a', partition: 0, state: 'JOINING' },
  });
  t.match(b.log.of('agent.state')[0], { level: 'info', fields: { from: 'JOINING', to: 'ACTIVE' } });
});

t.test('a sidecar that starts beside a live-store that serves never says JOINING', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  t.equal(b.told(), 'ACTIVE');
  t.strictSame(b.calls, ['join']);
});

t.test('heartbeats every five seconds, a tenth more or less', async (t) => {
  for (const [random, everyMs] of [
    [0, 4_500],
    [0.5, 5_000],
    [0.999_999, 5_500],
  ] as const) {
    const clock = new FakeClock();
    const memory = createMemoryBus({ clock });
    const at: number[] = [];
    const bus: MembershipBus = {
      ...memory,
      heartbeat: (lease) => {
        at.push(Math.round(clock.monotonicMs()));
        return memory.heartbeat(lease);
      },
    };
    const store = new FakeLiveStore();
    store.answer = SERVING;
    const agent = new MemberAgent(MEMBER, {
      ...{ bus, probe: store, clock, random: () => random },
      ...{ logger: new LogRecorder().logger, metrics: new MetricRegistry() },
    });
    agent.start();
    const startMs = clock.monotonicMs();
    await clock.advance(20_000);
    t.strictSame(
      at.slice(0, 3).map((ms) => ms - startMs),
      [everyMs, 2 * everyMs, 3 * everyMs],
    );
    await agent.leave(0);
  }
});

t.test('it is asked each second until it serves, then every other second', async (t) => {
  const b = bench(t);
  b.agent.start();
  await b.clock.advance(3_500);
  t.equal(b.store.asked, 4);
  b.store.answer = SERVING;
  await b.clock.advance(500);
  const { asked } = b.store;
  await b.clock.advance(10_000);
  t.equal(b.store.asked - asked, 5);
});

t.test('NOT_SERVING after ACTIVE is LEAVING, SERVING again ACTIVE', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  await says(b, NOT_SERVING);
  t.equal(b.told(), 'LEAVING');
  await says(b, NOT_SERVING, 3);
  t.equal(b.told(), 'LEAVING', 'and stays so');
  await says(b, SERVING);
  t.equal(b.told(), 'ACTIVE');
});

t.test('gone after three answers that did not come, not before', async (t) => {
  for (const lost of [REFUSED, { kind: 'failed', reason: 'no answer' } as const]) {
    const b = bench(t, { answer: SERVING });
    b.agent.start();
    await b.clock.advance(0);
    await says(b, lost, 2);
    t.equal(b.told(), 'ACTIVE');
    await says(b, SERVING);
    await says(b, lost, 2);
    t.equal(b.told(), 'ACTIVE', 'three in a row count');
    await says(b, lost);
    t.equal(b.told(), 'JOINING', 'queriers do not ask it');
    await says(b, SERVING);
    t.equal(b.told(), 'ACTIVE');
  }
});

t.test('one that was refused and then says NOT_SERVING has just started', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  await says(b, REFUSED);
  await says(b, NOT_SERVING);
  t.equal(b.told(), 'JOINING', 'it is no live-store that stops');
  await says(b, SERVING);
  await says(b, { kind: 'failed', reason: 'no answer in 1000 ms' });
  await says(b, NOT_SERVING);
  t.equal(b.told(), 'LEAVING', 'one that was slow and then says so does');
});

t.test('a live-store without a health service counts as ready, with one warning', async (t) => {
  const b = bench(t, { answer: { kind: 'unimplemented' } });
  b.agent.start();
  await b.clock.advance(10_000);
  t.equal(b.told(), 'ACTIVE');
  t.equal(b.log.of('agent.no_health').length, 1);
});

t.test('its answers are told once each', async (t) => {
  const b = bench(t);
  b.agent.start();
  await b.clock.advance(30_000);
  t.strictSame(
    b.log.of('agent.health').map(({ message }) => message),
    ['the live-store does not answer: cannot connect'],
  );
});

t.test('drain: LEAVING at once, heartbeats go on, nobody is asked any more; leave: gone', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  await b.agent.drain();
  t.equal(b.told(), 'LEAVING', 'before drain has resolved');
  t.ok(b.store.isClosed);
  const { asked } = b.store;
  b.calls.length = 0;
  await b.clock.advance(12_000);
  t.strictSame(b.calls, ['heartbeat', 'heartbeat']);
  t.equal(b.store.asked, asked);
  await b.agent.leave(30_000);
  t.equal(b.told(), '-');
  t.equal(b.agent.state.value.kind, 'left');
  b.calls.length = 0;
  await b.clock.advance(60_000);
  t.strictSame(b.calls, [], 'nothing is said after leaving');
});

t.test('one that never was ready leaves without LEAVING, in which it would be asked', async (t) => {
  const b = bench(t);
  b.agent.start();
  await b.clock.advance(0);
  await b.agent.drain();
  t.equal(b.told(), 'JOINING');
  await b.agent.leave(30_000);
  t.equal(b.told(), '-');
});

t.test('the bus away at the start: it joins at once when it comes', async (t) => {
  const b = bench(t, { connected: false, answer: SERVING });
  b.agent.start();
  await b.clock.advance(60_000);
  t.equal(b.told(), '-');
  t.ok(b.calls.length >= 12 && b.calls.length < 100, `${b.calls.length} tries in a minute`);
  t.equal(b.log.of('agent.bus_unavailable').length, 1, 'one line, however long');
  b.connected.set(true);
  await settle();
  t.equal(b.told(), 'ACTIVE', 'without waiting for the next try');
  t.equal(b.log.of('agent.bus_recovered').length, 1);
});

t.test('the bus away for a minute: a heartbeat and the news at once after its return', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  b.connected.set(false);
  await says(b, NOT_SERVING);
  await b.clock.advance(60_000);
  b.connected.set(true);
  await settle();
  t.equal(b.told(), 'LEAVING', 'the state of now, not those of the minute');
  b.connected.set(false);
  await b.clock.advance(1_000);
  b.calls.length = 0;
  b.connected.set(true);
  await settle();
  t.strictSame(b.calls, ['heartbeat'], 'nothing new: a heartbeat, early');
});

t.test('leaving waits for the bus, with one line, and goes as soon as it is back', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  b.connected.set(false);
  const drained = b.agent.drain();
  await b.clock.advance(1_000);
  await drained; // connections do not wait longer than a second
  let isLeft = false;
  const left = b.agent.leave(90_000).then(() => {
    isLeft = true;
  });
  await b.clock.advance(60_000);
  t.notOk(isLeft);
  t.equal(b.log.of('agent.leave_held').length, 1);
  b.connected.set(true);
  await left;
  t.equal(b.told(), '-');
});

t.test('the bus away until the stop deadline: it gives up and says so', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  b.connected.set(false);
  const left = b.agent.leave(30_000);
  await b.clock.advance(30_000);
  await left;
  t.equal(b.log.of('agent.leave_abandoned').length, 1);
  b.calls.length = 0;
  b.connected.set(true);
  await b.clock.advance(60_000);
  t.strictSame(b.calls, [], 'nothing more is said');
});

t.test('never joined, it has nothing to leave and waits for nothing', async (t) => {
  const b = bench(t, { connected: false, answer: SERVING });
  b.agent.start();
  await b.clock.advance(10_000);
  await b.agent.drain();
  await b.agent.leave(90_000);
  t.equal(b.agent.state.value.kind, 'left');
  t.equal(b.log.of('agent.leave_abandoned').length, 0);
  const never = bench(t);
  await never.agent.drain();
  await never.agent.leave(90_000);
  t.equal(never.agent.state.value.kind, 'left', 'nor when it was not started');
});

t.test('told to leave while it joins, it leaves what it joined', async (t) => {
  const b = bench(t, { answer: SERVING });
  const joined = Promise.withResolvers<void>();
  const { join } = b.bus;
  Object.assign(b.bus, {
    join: async (...args: Parameters<typeof join>) => {
      await joined.promise;
      return join(...args);
    },
  });
  b.agent.start();
  await b.clock.advance(0);
  await b.agent.drain();
  const left = b.agent.leave(90_000);
  await settle();
  joined.resolve();
  await left;
  t.strictSame(b.calls, ['join', 'leave']);
  t.equal(b.told(), '-');
});

t.test('no time left, but the bus is there: it leaves; one that hangs gets a second', async (t) => {
  for (const isHanging of [false, true]) {
    const b = bench(t, { answer: SERVING });
    const { leave } = b.bus;
    // Over a network an answer takes its time.
    Object.assign(b.bus, {
      leave: (...args: Parameters<typeof leave>) =>
        new Promise<void>((resolve, reject) => {
          if (!isHanging) b.clock.after(900, () => leave(...args).then(resolve, reject));
        }),
    });
    b.agent.start();
    await b.clock.advance(0);
    await b.agent.drain();
    const left = b.agent.leave(0);
    await b.clock.advance(1_000);
    await left;
    t.equal(b.told(), isHanging ? 'LEAVING' : '-');
    t.equal(b.log.of('agent.leave_abandoned').length, isHanging ? 1 : 0);
  }
});

t.test('another process takes the place: one error, and silence', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  const twin = b.twin();
  twin.start();
  await b.clock.advance(0);
  t.equal(b.agent.state.value.kind, 'lost');
  t.match(b.log.of('agent.lost'), [{ level: 'error', fields: { member: MEMBER.id, reason: /has taken its place/ } }]);
  t.ok(b.store.isClosed);
  const { length } = b.calls;
  const { asked } = b.store;
  await b.agent.drain();
  await b.agent.leave(1_000);
  t.equal(b.calls.length, length, 'it says nothing more, not even that it leaves');
  t.equal(b.store.asked, asked);
  t.equal(b.told(), 'JOINING', 'the place is the other one');
});

t.test('a login without the right: one error that says it, slow tries, and it works once it is granted', async (t) => {
  let refusal: RingwayError | undefined = new RingwayError('nats: no right to write', { code: 'BUS_REFUSED' });
  const b = bench(t, { answer: SERVING, refuse: () => refusal });
  b.agent.start();
  await b.clock.advance(300_000);
  t.match(b.log.of('agent.refused'), [{ level: 'error', fields: { code: 'BUS_REFUSED' }, message: 'nats: no right to write' }]);
  t.ok(b.calls.length >= 5 && b.calls.length <= 30, `${b.calls.length} tries in five minutes`);
  refusal = undefined;
  await b.clock.advance(60_000);
  t.equal(b.told(), 'ACTIVE');
  refusal = new RingwayError('nats: no right to remove', { code: 'BUS_REFUSED' });
  await b.agent.leave(90_000);
  t.equal(b.log.of('agent.refused').length, 2, 'refused when it leaves: no use waiting');
});

t.test('why the bus is away is told once a reason, and not without end', async (t) => {
  let n = 0;
  const b = bench(t, { answer: SERVING, refuse: () => new RingwayError(`reason ${Math.floor(n++ / 3)}`, { code: 'BUS_UNAVAILABLE' }) });
  b.agent.start();
  await b.clock.advance(300_000);
  t.strictSame(
    b.log.of('agent.bus_unavailable').map(({ fields }) => fields['reason']),
    ['reason 0', 'reason 1', 'reason 2', 'reason 3', 'reason 4'],
  );
});

t.test('what it counts', async (t) => {
  const b = bench(t, { answer: SERVING });
  b.agent.start();
  await b.clock.advance(0);
  const line = (text: string): boolean => prometheusText(b.metrics).split('\n').includes(text);
  t.ok(line('ringway_agent_state{state="active"} 1'));
  t.ok(line('ringway_agent_state{state="outside"} 0'));
  t.ok(line('ringway_agent_bus_connected 1'));
  await b.clock.advance(10_000);
  t.ok(line('ringway_agent_heartbeats_total 3'), 'the join and two more');
  b.connected.set(false);
  await b.clock.advance(5_000);
  t.ok(line('ringway_agent_bus_connected 0'));
  t.notOk(line('ringway_agent_failures_total{operation="heartbeat"} 0'));
  t.ok(line('ringway_agent_failures_total{operation="leave"} 0'));
  const left = b.agent.leave(0);
  await b.clock.advance(0);
  await left;
  t.ok(line('ringway_agent_state{state="left"} 1'));
});
