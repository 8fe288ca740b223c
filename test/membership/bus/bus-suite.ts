import type { Test } from 'tap';
import type { Announcement, BusEvent, Lease, Member, MembershipBus } from '../../../src/membership/types.ts';

/** A bus of one ring, and what it runs on, under the suite's control. */
export interface BusUnderTest {
  /** Another client of the same bus; ends with the test. In-process there is but one. */
  connect(): MembershipBus;
  /** Nobody can reach it from now on; what is on it stays. */
  takeAway(): Promise<void>;
  giveBack(): Promise<void>;
  /** Timers that wait; left out where that cannot be told. */
  timers?(): number;
  /** Lets time pass until `look` is not undefined. */
  until<T>(look: () => T | undefined): Promise<T>;
}

export interface BusSuiteOptions {
  /** A fresh bus whose readers take out members after `forgetAfterMs`, with nobody on it. */
  create(t: Test, forgetAfterMs: number): Promise<BusUnderTest>;
}

const A: Announcement = { id: 'live-store-zone-a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0, state: 'JOINING' };
const B: Announcement = { id: 'live-store-zone-b-0', address: '[fd00::1]:9096', zone: 'zone-b', partition: 0, state: 'ACTIVE' };
const ODD: Announcement = { id: 'a.b>c*d/e=f~!"#', address: 'stores.example:9096', zone: '', partition: null, state: 'PENDING' };
const LONG_MS = 120_000;

/** What every MembershipBus promises. */
export async function busSuite(t: Test, { create }: BusSuiteOptions): Promise<void> {
  await t.test('the first event is the full set, and each change is one', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const seen = follow(t, sut, sut.connect());
    t.strictSame(await seen.members(), []);
    const lease = await bus.join(B);
    t.equal(lease.id, B.id);
    const [b] = await seen.with(1);
    t.match(b, { ...B, heartbeatMs: Number, registeredMs: Number });
    t.ok((b?.registeredMs ?? 0) <= (b?.heartbeatMs ?? 0));
    await bus.join(ODD);
    await bus.join(A);
    t.match(await seen.with(3), [ODD, A, B], 'in order of id');
    t.match(await follow(t, sut, sut.connect()).members(), [ODD, A, B], 'also for who comes later');
  });

  await t.test('states and heartbeats', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const seen = follow(t, sut, sut.connect());
    const lease = await bus.join(A);
    const [first] = await seen.with(1);
    await bus.setState(lease, 'ACTIVE');
    const active = await seen.when(([member]) => member?.state === 'ACTIVE');
    t.match(active, [{ ...A, state: 'ACTIVE', registeredMs: first?.registeredMs }]);
    const before = active[0]?.heartbeatMs ?? 0;
    const after = await sut.until(() => {
      // Again and again: the first ones may be within the same millisecond.
      bus.heartbeat(lease).catch(() => {});
      const [member] = seen.last();
      return (member?.heartbeatMs ?? 0) > before ? member : undefined;
    });
    t.match(after, { ...A, state: 'ACTIVE', registeredMs: first?.registeredMs });
  });

  await t.test('who leaves is gone, and writes nothing any more', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const seen = follow(t, sut, sut.connect());
    const [lease] = await Promise.all([bus.join(A), bus.join(B)]);
    await seen.with(2);
    await bus.leave(lease);
    t.match(await seen.with(1), [B]);
    await bus.leave(lease);
    await t.rejects(bus.heartbeat(lease), { name: 'RingwayError', code: 'LEASE_LOST' });
    await t.rejects(bus.setState(lease, 'ACTIVE'), { code: 'LEASE_LOST' });
    t.notOk(lease.lost.aborted);
    t.match(await follow(t, sut, sut.connect()).members(), [B]);
    await bus.join({ ...A, state: 'ACTIVE' });
    t.match(await seen.with(2), [{ ...A, state: 'ACTIVE' }, B], 'it may come back');
  });

  await t.test('calls on one lease take effect in their order', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const lease = await bus.join(A);
    await Promise.all([bus.setState(lease, 'ACTIVE'), bus.heartbeat(lease), bus.setState(lease, 'LEAVING'), bus.heartbeat(lease)]);
    const seen = follow(t, sut, sut.connect());
    t.match(await seen.members(), [{ ...A, state: 'LEAVING' }]);
    const leaving = bus.leave(lease);
    await t.rejects(bus.setState(lease, 'ACTIVE'), { code: 'LEASE_LOST' });
    await leaving;
    t.strictSame(await seen.with(0), []);
  });

  await t.test('the newest registration keeps the place', async (t) => {
    const sut = await create(t, LONG_MS);
    const [before, now] = [sut.connect(), sut.connect()];
    const seen = follow(t, sut, sut.connect());
    const old = await before.join(A);
    const fresh = await now.join({ ...A, address: '10.0.0.9:9096', state: 'ACTIVE' });
    await t.rejects(before.heartbeat(old), { name: 'RingwayError', code: 'LEASE_LOST', message: /"live-store-zone-a-0": another process/ });
    t.ok(old.lost.aborted);
    t.match(old.lost.reason, { code: 'LEASE_LOST' });
    await t.rejects(before.leave(old), { code: 'LEASE_LOST' });
    await t.rejects(before.setState(old, 'LEAVING'), { code: 'LEASE_LOST' });
    await now.heartbeat(fresh);
    t.notOk(fresh.lost.aborted);
    t.match(await seen.when(([member]) => member?.state === 'ACTIVE'), [{ ...A, address: '10.0.0.9:9096', state: 'ACTIVE' }]);
  });

  await t.test('of many that come at once under one name one has the place', async (t) => {
    const sut = await create(t, LONG_MS);
    const leases: { readonly bus: MembershipBus; readonly lease: Lease }[] = [];
    await Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        const bus = sut.connect();
        leases.push({ bus, lease: await bus.join({ ...A, address: `10.0.0.${i}:9096` }) });
      }),
    );
    const kept = await Promise.all(
      leases.map(({ bus, lease }) =>
        bus.heartbeat(lease).then(
          () => true,
          () => false,
        ),
      ),
    );
    t.equal(kept.filter((isKept) => isKept).length, 1);
    t.equal((await follow(t, sut, sut.connect()).with(1)).length, 1);
  });

  await t.test('an announcement that is no good is refused', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    for (const fields of [{ id: '' }, { id: 'a b' }, { zone: 'ö' }, { partition: -1 }, { address: '' }])
      await t.rejects(bus.join({ ...A, ...fields }), { name: 'RingwayError', code: 'BUS_REFUSED' }, JSON.stringify(fields));
    t.strictSame(await follow(t, sut, sut.connect()).members(), []);
  });

  await t.test('while it is away calls end, readers are told after a second, and what could not be done can be repeated', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const seen = follow(t, sut, sut.connect());
    const [a] = await Promise.all([bus.join(A), bus.join(B)]);
    await seen.with(2);
    t.equal(bus.connected.value, true);
    await sut.takeAway();
    const refused = { name: 'RingwayError', code: 'BUS_UNAVAILABLE' };
    await t.rejects(until(sut, bus.heartbeat(a)), refused);
    t.equal(bus.connected.value, false);
    await t.rejects(until(sut, bus.join({ ...A, id: 'c' })), refused);
    await t.rejects(until(sut, bus.leave(a)), refused);
    const failure = await seen.failure();
    t.equal(failure.kind, 'failed');
    t.match(failure.error.message, /^[ -~]+$/);
    await t.rejects(bus.heartbeat(a), { code: 'LEASE_LOST' }, 'it is leaving');
    await sut.giveBack();
    await sut.until(() => bus.connected.value || undefined);
    await bus.leave(a);
    t.match(await seen.with(1), [B]);
  });

  await t.test('a short interruption is not reported', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const seen = follow(t, sut, sut.connect());
    await bus.join(A);
    await seen.with(1);
    await sut.takeAway();
    await sut.giveBack();
    await sut.until(() => bus.connected.value || undefined);
    await bus.join(B);
    t.match(await seen.with(2), [A, B]);
    t.equal(seen.failures(), 0);
  });

  await t.test('who is silent for forgetAfter is taken out, and put back by a heartbeat', async (t) => {
    const sut = await create(t, 1500);
    const bus = sut.connect();
    const seen = follow(t, sut, sut.connect());
    const lease = await bus.join(A);
    await seen.with(1);
    t.strictSame(await seen.with(0), []);
    t.strictSame(await follow(t, sut, sut.connect()).with(0), [], 'for all');
    await bus.heartbeat(lease);
    t.match(await seen.with(1), [A]);
    t.notOk(lease.lost.aborted);
  });

  await t.test('a lease of another bus is a mistake', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    await t.rejects(bus.heartbeat({ id: 'a', lost: new AbortController().signal }), TypeError);
    await t.rejects(bus.leave({ id: 'a', lost: new AbortController().signal }), TypeError);
  });

  await t.test('watching ends when the signal aborts or the bus is closed, and then nothing works', async (t) => {
    const sut = await create(t, LONG_MS);
    const bus = sut.connect();
    const lease = await bus.join(A);
    const aborted = new AbortController();
    const events = bus.watch(aborted.signal)[Symbol.asyncIterator]();
    await until(sut, events.next());
    const next = events.next();
    aborted.abort();
    t.match(await until(sut, next), { done: true });
    const never = bus.watch(aborted.signal)[Symbol.asyncIterator]();
    t.match(await never.next(), { done: true });
    const others = bus.watch(new AbortController().signal)[Symbol.asyncIterator]();
    await until(sut, others.next());
    const last = others.next();
    await bus.close();
    t.match(await until(sut, last), { done: true });
    await t.rejects(until(sut, bus.heartbeat(lease)), { code: 'BUS_UNAVAILABLE' });
    await t.rejects(until(sut, bus.join(A)), { code: 'BUS_UNAVAILABLE' });
    await bus.close();
    t.equal(sut.timers?.() ?? 0, 0, 'no timer is left');
  });
}

/** Lets time pass until the promise is settled. */
async function until<T>(sut: BusUnderTest, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  await sut.until(() => isSettled || undefined);
  return promise;
}

/** Reads a bus to the end of the test, and remembers what it said. */
function follow(t: Test, sut: BusUnderTest, bus: MembershipBus) {
  const stop = new AbortController();
  let event: BusEvent | undefined;
  let failure: Extract<BusEvent, { kind: 'failed' }> | undefined;
  let failures = 0;
  const reading = (async () => {
    for await (event of bus.watch(stop.signal)) {
      if (event.kind !== 'failed') continue;
      failures += 1;
      failure = event;
    }
  })();
  t.teardown(async () => {
    stop.abort();
    await reading;
  });
  const last = (): readonly Member[] => (event?.kind === 'members' ? event.members : []);
  const when = (wanted: (members: readonly Member[]) => boolean): Promise<readonly Member[]> =>
    sut.until(() => (event?.kind === 'members' && wanted(event.members) ? event.members : undefined));
  return {
    last,
    when,
    members: () => when(() => true),
    with: (count: number) => when(({ length }) => length === count),
    failure: () => sut.until(() => failure),
    failures: () => failures,
  };
}
