import t from 'tap';
import type { Registration } from '../../../src/membership/bus/registration.ts';
import { Roster, type Sighting } from '../../../src/membership/bus/roster.ts';

const T = 1_795_260_970_000;
const FORGET_MS = 120_000;

function registration(id: string, fields: Partial<Registration> = {}): Registration {
  return {
    id,
    address: '10.0.0.1:9096',
    zone: 'zone-a',
    partition: 0,
    state: 'ACTIVE',
    session: 's',
    registeredMs: T - 3_600_000,
    ...fields,
  };
}

function present(id: string, heardMs: number, fields: Partial<Registration> = {}): Sighting {
  return { kind: 'present', key: id, registration: registration(id, fields), heardMs, revision: heardMs - T };
}

const gone = (id: string): Sighting => ({ kind: 'gone', key: id, id });

/** Ages in seconds by id at that moment. */
function ages(roster: Roster, nowMs: number): Record<string, number> {
  return Object.fromEntries(roster.members(nowMs).map(({ id, heartbeatMs }) => [id, (nowMs - (heartbeatMs ?? 0)) / 1000]));
}

/** Ten members, heard of now. */
function tenMembers(): { readonly roster: Roster; readonly ids: readonly string[] } {
  const roster = new Roster(FORGET_MS, T);
  const ids = Array.from({ length: 10 }, (_, i) => `m-${i}`);
  roster.resume(
    ids.map((id) => present(id, T)),
    T,
  );
  return { roster, ids };
}

t.test('what is new, what is only a heartbeat, and what is nothing', async (t) => {
  const roster = new Roster(FORGET_MS, T);
  roster.resume([present('b', T), present('a', T)], T);
  t.strictSame(ages(roster, T), { a: 0, b: 0 }, 'in order of id');
  t.equal(roster.take(present('a', T + 5000), T + 5000), 'heard');
  t.equal(roster.take(present('a', T + 6000, { state: 'LEAVING' }), T + 6000), 'changed');
  t.equal(roster.take(present('a', T + 7000, { state: 'LEAVING', session: 't' }), T + 7000), 'changed', 'registered anew');
  t.equal(roster.take(present('c', T + 7000), T + 7000), 'changed');
  t.equal(roster.take(gone('b'), T + 7000), 'changed');
  t.equal(roster.take(gone('b'), T + 7000), 'nothing');
  t.strictSame(ages(roster, T + 7000), { a: 0, c: 0 });
});

t.test('a clock that is ahead makes nobody younger than now', async (t) => {
  const roster = new Roster(FORGET_MS, T);
  roster.resume([present('a', T + 60_000, { registeredMs: T + 90_000 })], T);
  t.match(roster.members(T), [{ heartbeatMs: T, registeredMs: T }]);
});

t.test('who was not heard of for forgetAfter is taken out, once, and comes back with a heartbeat', async (t) => {
  const roster = new Roster(FORGET_MS, T);
  roster.resume([present('a', T), present('b', T)], T);
  roster.take(present('b', T + 60_000), T + 60_000);
  t.equal(roster.nextMs, T + FORGET_MS);
  t.strictSame(roster.forget(T + 119_999), { changed: false, forgotten: [] });
  t.equal(roster.nextMs, T + FORGET_MS);
  t.strictSame(roster.forget(T + FORGET_MS).forgotten, [present('a', T)]);
  t.strictSame(ages(roster, T + FORGET_MS), { b: 60 });
  t.equal(roster.take(present('a', T), T + FORGET_MS), 'nothing', 'the same heartbeat again');
  t.equal(roster.take(present('a', T + 121_000), T + 121_000), 'changed');
  t.strictSame(ages(roster, T + 121_000), { a: 0, b: 61 });
});

t.test('the bus is away for a minute: nothing ages, and who re-announces himself is as young as he is', async (t) => {
  const { roster, ids } = tenMembers();
  roster.pause(T + 3000);
  roster.pause(T + 9000);
  t.equal(roster.nextMs, null);
  t.strictSame(roster.forget(T + 3_600_000), { changed: false, forgotten: [] });
  const back = T + 63_000;
  roster.resume(
    ids.map((id) => present(id, T)),
    back,
  );
  t.ok(Object.values(ages(roster, back)).every((age) => age === 3));
  for (const id of ids.slice(0, 9)) t.equal(roster.take(present(id, back + 200), back + 200), 'heard');
  t.strictSame(roster.forget(back + 1600), { changed: false, forgotten: [] });
  t.equal(ages(roster, back + 1600)['m-9'], 4.6);
  t.equal(roster.nextMs, back + 1700);
  t.strictSame(roster.forget(back + 1700), { changed: true, forgotten: [] }, 'quiet for 1.5 s: the last one is judged');
  t.equal(ages(roster, back + 1700)['m-9'], 64.7);
  t.equal(ages(roster, back + 1700)['m-0'], 1.5);
});

t.test('while fewer than half re-announce themselves the rest has 30 s', async (t) => {
  const { roster, ids } = tenMembers();
  roster.pause(T);
  const back = T + 60_000;
  roster.resume(
    ids.map((id) => present(id, T)),
    back,
  );
  for (const id of ids.slice(0, 4)) roster.take(present(id, back + 100), back + 100);
  t.equal(roster.nextMs, back + 30_000);
  t.equal(roster.forget(back + 29_999).changed, false);
  t.equal(roster.forget(back + 30_000).changed, true);
  t.equal(ages(roster, back + 30_000)['m-9'], 90);
});

t.test('one after the other may come slowly', async (t) => {
  const { roster, ids } = tenMembers();
  roster.pause(T);
  const back = T + 60_000;
  roster.resume(
    ids.map((id) => present(id, T)),
    back,
  );
  for (const [i, id] of ids.entries()) {
    t.equal(roster.forget(back + i * 1000).changed, false);
    roster.take(present(id, back + i * 1000), back + i * 1000);
  }
  t.equal(roster.forget(back + 9000).changed, false);
  t.ok(Object.values(ages(roster, back + 9000)).every((age) => age <= 9));
});

t.test('what happened while the bus was away counts at once', async (t) => {
  const { roster, ids } = tenMembers();
  roster.pause(T);
  const back = T + 60_000;
  const [left = '', moved = '', ...rest] = ids;
  roster.resume(
    [gone(left), present(moved, T + 30_000, { state: 'LEAVING' }), present('new', T + 59_000), ...rest.map((id) => present(id, T))],
    back,
  );
  const after = ages(roster, back);
  t.equal(after[left], undefined);
  t.equal(after[moved], 30);
  t.equal(after['new'], 1);
  t.equal(after[rest[0] ?? ''], 0);
});

t.test('a bus that lost its memory: nobody is gone until the others have come back', async (t) => {
  const { roster, ids } = tenMembers();
  roster.pause(T);
  const back = T + 5000;
  roster.resume([], back);
  t.equal(roster.members(back).length, 10);
  for (const id of ids.slice(0, 9)) roster.take(present(id, back + 300), back + 300);
  t.equal(roster.members(back + 300).length, 10);
  t.equal(roster.forget(back + 1800).changed, true);
  t.strictSame(
    roster.members(back + 1800).map(({ id }) => id),
    ids.slice(0, 9),
  );
});

t.test('away again before the first time is over: both are excused', async (t) => {
  const { roster } = tenMembers();
  roster.pause(T);
  const all = Array.from({ length: 10 }, (_, i) => present(`m-${i}`, T));
  roster.resume(all, T + 40_000);
  roster.pause(T + 41_000);
  roster.resume(all, T + 81_000);
  t.equal(ages(roster, T + 81_000)['m-0'], 1);
});

t.test('a reader that starts while the bus is away excuses that time, and a short interruption excuses nobody', async (t) => {
  const late = new Roster(FORGET_MS, T);
  late.resume([present('a', T - 2000)], T + 90_000);
  t.strictSame(ages(late, T + 90_000), { a: 2 });
  const prompt = new Roster(FORGET_MS, T);
  prompt.resume([present('a', T - 90_000)], T + 100);
  t.strictSame(ages(prompt, T + 100), { a: 90.1 });
});

t.test('a reader that starts forgets nobody before it has listened itself', async (t) => {
  const roster = new Roster(FORGET_MS, T);
  roster.resume([present('a', T - 600_000)], T);
  t.strictSame(roster.forget(T + 29_999).forgotten, []);
  t.equal(roster.forget(T + 30_000).forgotten.length, 1);
});

t.test('what cannot be read is named, changes nobody, and is forgotten when it can be', async (t) => {
  const roster = new Roster(FORGET_MS, T);
  const bad = (key: string, problem: string): Sighting => ({ kind: 'unreadable', key, id: key, problem });
  roster.resume([present('a', T), bad('b', 'not JSON')], T);
  t.equal(roster.warning, 'b: not JSON');
  t.equal(roster.take(bad('b', 'not JSON'), T), 'nothing');
  t.equal(roster.take(bad('a', 'id: is wrong'), T), 'changed');
  t.equal(roster.warning, 'b: not JSON, and 1 more that cannot be read');
  t.strictSame(ages(roster, T), { a: 0 }, 'the last good one stays');
  t.equal(roster.take(present('b', T + 1), T + 1), 'changed');
  t.equal(roster.take(gone('a'), T + 1), 'changed');
  t.equal(roster.warning, null);
  for (let i = 0; i < 10_000; i += 1) roster.take(bad(`junk-${i}`, 'not JSON'), T + 1);
  t.equal(roster.warning, 'junk-0: not JSON, and 9999 more that cannot be read');
  t.strictSame(ages(roster, T + 1), { b: 0 });
});

t.test('no more than 100,000 members are kept', async (t) => {
  const roster = new Roster(FORGET_MS, T);
  roster.resume(
    Array.from({ length: 100_001 }, (_, i) => present(`m-${i}`, T)),
    T,
  );
  t.equal(roster.members(T).length, 100_000);
  t.equal(roster.warning, 'more than 100000 members, the rest is left out');
});
