// Whatever stands in the bucket: it is named, nobody is lost for it, and it does not cost memory without end.
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type MsgHdrs, nanos } from '@nats-io/transport-node';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Announcement, Lease, MembershipBus } from '../../src/membership/types.ts';
import { natsBus, natsConnection, type Watched, watchBus } from '../support/nats-bus.ts';
import { natsServer } from '../support/nats-server.ts';

t.setTimeout(90_000);

const A: Announcement = { id: 'a', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0, state: 'ACTIVE' };
const KEY = '$KV.ringway.live-store';

interface Bench {
  readonly js: JetStreamClient;
  readonly seen: Watched;
  readonly bus: MembershipBus;
  readonly lease: Lease;
}

/** A bucket with one good member, and somebody who may write anything there. */
async function bench(t: Test): Promise<Bench | undefined> {
  const server = await natsServer(t);
  if (server === undefined) return undefined;
  await server.start();
  const connection = natsConnection([server.url]);
  const seen = watchBus(t, natsBus(t, connection));
  await seen.when(() => true);
  const bus = natsBus(t, connection);
  const lease = await bus.join(A);
  await seen.when(({ length }) => length === 1);
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  return { js: jetstream(nc), seen, bus, lease };
}

const json = (fields: object): string => JSON.stringify({ v: 1, ...A, session: 's', registeredMs: 0, ...fields });

t.test('each is named, and nothing else happens', async (t) => {
  const b = await bench(t);
  if (b === undefined) return;
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['b', '', /^live-store\.b: not JSON: /],
    ['b', '<html>', /^live-store\.b: not JSON: /],
    ['b', new Uint8Array(5000), /^live-store\.b: 5000 bytes, allowed: up to 4096$/],
    ['b', json({}), /^live-store\.b: is the registration of "a"$/],
    ['b', json({ id: 'b', partition: 'x' }), /^live-store\.b: partition: /],
    ['b', json({ id: 'b', v: 9 }), /^live-store\.b: v: /],
    ['b.c', json({ id: 'b' }), /^live-store\.b\.c: is no key <ring>\.<member>$/],
    ['=zz', json({ id: 'b' }), /^live-store\.=zz: is no key <ring>\.<member>$/],
    ['x'.repeat(3000), '1', /^live-store\.x{189}…: not JSON|^live-store\.x{189}…: the value: /],
  ];
  for (const [key, value, problem] of cases) {
    await b.js.publish(`${KEY}.${key}`, value);
    await b.seen.when((_, { warning }) => problem.test(warning ?? ''));
    await b.js.publish(`${KEY}.${key}`, '', { headers: removal() });
    await b.seen.when((_, { warning }) => warning === undefined);
  }
  t.ok(b.seen.events.slice(2).every((event) => event.kind === 'members' && event.members.length === 1));
});

t.test('garbage over a good member: the last good one stays, and the member writes over it', async (t) => {
  const b = await bench(t);
  if (b === undefined) return;
  await b.js.publish(`${KEY}.a`, '{"stream":"KV_ringway","seq":3}');
  await b.seen.when((members, { warning }) => members.length === 1 && /^live-store\.a: id: /.test(warning ?? ''));
  await b.bus.heartbeat(b.lease);
  t.notOk(b.lease.lost.aborted);
  t.match(await b.seen.when((_, { warning }) => warning === undefined), [A]);
});

t.test('values that a server may be made to take, at random', async (t) => {
  const b = await bench(t);
  if (b === undefined) return;
  const value = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json(), fc.object().map(json));
  const key = fc.oneof(fc.constant('b'), fc.stringMatching(/^[A-Za-z0-9=_-]{1,20}(\.[a-z]{1,3})?$/));
  for (const [name, bytes] of fc.sample(fc.tuple(key, value), { numRuns: 300, seed: 4 })) {
    if (name === 'a') continue;
    await b.js.publish(`${KEY}.${name}`, bytes);
  }
  await b.bus.setState(b.lease, 'LEAVING');
  const members = await b.seen.when((now) => now.some(({ id, state }) => id === 'a' && state === 'LEAVING'));
  t.ok(members.every(({ id, address }) => /^[\x21-\x7e]+$/.test(id) && address !== ''));
  t.strictSame(b.seen.failures(), []);
});

t.test('ten thousand keys of junk, also for who comes later', async (t) => {
  const b = await bench(t);
  if (b === undefined) return;
  await Promise.all(Array.from({ length: 10_000 }, (_, i) => b.js.publish(`${KEY}.junk-${i}`, 'junk', { timeout: 30_000 })));
  const all = /^live-store\.junk-\d+: not JSON: .*, and 9999 more that cannot be read$/;
  t.match(await b.seen.when((_, { warning }) => all.test(warning ?? '')), [A]);
  const [late] = [watchBus(t, b.bus)];
  t.match(await late.when((_, { warning }) => all.test(warning ?? '')), [A]);
});

t.test('a bucket that somebody else has made is judged, and one that is too forgetful is lived with', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  const jsm = await jetstreamManager(nc);
  const connection = natsConnection([server.url]);
  await jsm.streams.add({
    name: 'KV_ringway',
    subjects: ['$KV.ringway.>'],
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    max_age: nanos(1000),
  });
  const seen = watchBus(t, natsBus(t, connection));
  await seen.when(() => true);
  const [event] = seen.events;
  t.equal(
    event?.kind === 'members' && event.warning,
    'bucket "ringway": allows roll-ups or purges, so any member may empty it, does not allow direct reads, so members cannot read their own keys, drops members before forgetAfter',
  );
  const bus = natsBus(t, connection);
  const lease = await bus.join(A);
  await seen.when(({ length }) => length === 1);
  while ((await jsm.streams.info('KV_ringway')).state.messages > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(seen.members().length, 1);
  await bus.heartbeat(lease);
  t.notOk(lease.lost.aborted);
});

t.test('a bucket that is deleted is made again, and its members come back', async (t) => {
  const b = await bench(t);
  if (b === undefined) return;
  await (await b.js.jetstreamManager()).streams.delete('KV_ringway');
  await t.rejects(b.bus.heartbeat(b.lease), { code: 'BUS_UNAVAILABLE', message: /no such bucket/ });
  for (let isBack = false; !isBack; )
    isBack = await b.bus.heartbeat(b.lease).then(
      () => true,
      () => false,
    );
  await b.seen.when(([member], { asOfMs }) => asOfMs - (member?.heartbeatMs ?? 0) < 2000);
  t.ok(b.seen.events.slice(2).every((event) => event.kind === 'members' && event.members.length === 1));
});

function removal(): MsgHdrs {
  const marker = headers();
  marker.set('KV-Operation', 'DEL');
  return marker;
}
