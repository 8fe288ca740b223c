// What a member's login may do with the account file of docs/guide/nats-accounts.md, and what it may not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import type { NatsConnectionConfig } from '../../src/config/index.ts';
import type { Announcement } from '../../src/membership/types.ts';
import { natsBus, natsConnection, watchBus } from '../support/nats-bus.ts';
import { type NatsServer, natsServer } from '../support/nats-server.ts';

const A: Announcement = { id: 'live-store-zone-a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0, state: 'JOINING' };
const B: Announcement = { id: 'live-store-zone-b-0', address: '10.0.1.1:9096', zone: 'zone-b', partition: 0, state: 'ACTIVE' };
const KEY_A = `$KV.ringway.live-store.${A.id}`;
const KEY_B = `$KV.ringway.live-store.${B.id}`;
const GET_A = `$JS.API.DIRECT.GET.KV_ringway.${KEY_A}`;
const PASSWORDS = { CONTROL_PASSWORD: 'c', LISTENER_PASSWORD: 'l', MEMBER_PASSWORD: 'm' };

/** The block of the guide, with a second member. */
function accountFile(): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/guide/nats-accounts.md'), 'utf8');
  const [, block = ''] = /```conf\n(.*?)```/s.exec(page) ?? [];
  const [, member = ''] = /(\n {6}\{ user: "live-store-zone-a-0".*?\} \}\n)/s.exec(block) ?? [];
  return block.replace(/^jetstream .*$/m, '').replace(member, member + member.replaceAll(A.id, B.id));
}

function login(server: NatsServer, user: string): NatsConnectionConfig {
  const name = user === 'control' ? 'CONTROL_PASSWORD' : 'MEMBER_PASSWORD';
  return natsConnection([server.url], { login: { kind: 'password', user, password: { kind: 'env', name } } });
}

/** A's login in the hands of somebody who does not use Ringway. */
async function intruder(t: Test, server: NatsServer, user = A.id): Promise<NatsConnection> {
  const nc = await connect({ servers: server.url, user, pass: 'm', inboxPrefix: `_INBOX_${A.id}`, reconnect: false });
  t.teardown(() => nc.close());
  return nc;
}

Object.assign(process.env, PASSWORDS);

t.setTimeout(60_000);

t.test('a member does what it has to with its own key', async (t) => {
  const server = await natsServer(t, { config: accountFile(), environment: PASSWORDS });
  if (server === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, login(server, 'control')));
  await seen.when(() => true);
  const bus = natsBus(t, login(server, A.id), { member: A.id });
  const observer = await connect({ servers: server.url, user: 'listener', pass: 'l', reconnect: false });
  t.teardown(() => observer.close());
  const events: string[] = [];
  observer.subscribe('ringway.live-store.>', {
    callback: (_, { subject }) => void events.push(subject.slice(`ringway.live-store.${A.id}.`.length)),
  });
  await observer.flush();

  const before = await bus.join(A);
  const lease = await bus.join(A);
  await t.rejects(bus.heartbeat(before), { code: 'LEASE_LOST' }, 'it reads its own key');
  await bus.setState(lease, 'ACTIVE');
  await bus.heartbeat(lease);
  t.match(await seen.when(([member]) => member?.state === 'ACTIVE'), [{ ...A, state: 'ACTIVE' }]);
  await bus.setState(lease, 'LEAVING');
  await bus.leave(lease);
  t.strictSame(await seen.when(({ length }) => length === 0), []);
  await observer.flush();
  t.strictSame(events, ['joined', 'joined', 'state', 'state', 'left']);
});

t.test('with the login of A nothing happens to B, nor to the bucket', async (t) => {
  const server = await natsServer(t, { config: accountFile(), environment: PASSWORDS });
  if (server === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, login(server, 'control')));
  await seen.when(() => true);
  const b = natsBus(t, login(server, B.id), { member: B.id });
  const leaseB = await b.join(B);
  const [before] = await seen.when(({ length }) => length === 1);
  const asB = natsBus(t, login(server, A.id), { member: A.id });
  await t.rejects(asB.join(B), { code: 'BUS_REFUSED', message: `nats: member "${B.id}": the login may not publish to "${KEY_B}"` });

  const nc = await intruder(t, server);
  const refused = { message: /permissions violation/i };
  const forged = JSON.stringify({ v: 1, ...B, state: 'LEAVING', session: 'x', registeredMs: 0 });
  const removal = headers();
  removal.set('KV-Operation', 'DEL');
  for (const options of [{}, { headers: removal }]) await t.rejects(nc.request(KEY_B, forged, { timeout: 2000, ...options }), refused);
  for (const call of [
    'STREAM.DELETE',
    'STREAM.PURGE',
    'STREAM.UPDATE',
    'STREAM.MSG.DELETE',
    'STREAM.INFO',
    'DIRECT.GET',
    'CONSUMER.CREATE',
  ])
    await t.rejects(nc.request(`$JS.API.${call}.KV_ringway`, '', { timeout: 2000 }), refused, call);
  await t.rejects(nc.request(`$JS.API.DIRECT.GET.KV_ringway.${KEY_B}`, '', { timeout: 2000 }), refused);
  const rollUp = headers();
  rollUp.set('Nats-Rollup', 'all');
  await t.rejects(jetstream(nc).publish(KEY_A, '', { headers: rollUp }), /rollup not permitted/);
  for (const subject of [`_INBOX_${B.id}.>`, '_INBOX.>', '>', '$KV.>', 'ringway.>']) {
    const error = await new Promise((resolve) => nc.subscribe(subject, { callback: resolve }));
    t.match(error, { message: /Permissions Violation for Subscription/ }, subject);
  }

  const [after] = await seen.when(([member]) => (member?.heartbeatMs ?? 0) >= (before?.heartbeatMs ?? 0));
  t.strictSame(after, before);
  await b.heartbeat(leaseB);
});

t.test('nor when it names other places for answers', async (t) => {
  const server = await natsServer(t, { config: accountFile(), environment: PASSWORDS });
  if (server === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, login(server, 'control')));
  await seen.when(() => true);
  const b = natsBus(t, login(server, B.id), { member: B.id });
  const leaseB = await b.join(B);
  const control = await connect({ servers: server.url, user: 'control', pass: 'c', reconnect: false });
  t.teardown(() => control.close());
  const listener = await connect({ servers: server.url, user: 'listener', pass: 'l', reconnect: false });
  t.teardown(() => listener.close());
  const heard: string[] = [];
  listener.subscribe(`ringway.live-store.${B.id}.left`, { callback: (_, message) => void heard.push(message.string()) });
  const nc = await intruder(t, server);
  const places = [KEY_B, `ringway.live-store.${B.id}.left`, '$JS.API.STREAM.DELETE.KV_ringway', '$JS.API.STREAM.PURGE.KV_ringway'];
  const forged = JSON.stringify({ v: 1, ...B, state: 'LEAVING', session: 'x', registeredMs: 0 });
  for (const reply of places) {
    for (const body of ['', '{}', forged]) {
      nc.publish(KEY_A, body, { reply });
      await jetstream(nc).publish(KEY_A, body);
      nc.publish(GET_A, '', { reply });
    }
  }
  await nc.request(GET_A);
  await listener.flush();
  t.strictSame(heard, []);
  await b.heartbeat(leaseB);
  const { state } = await (await jetstreamManager(control, { checkAPI: false })).streams.info('KV_ringway');
  t.equal(state.messages, 2);
  t.match(await seen.when((_, { warning }) => warning !== undefined), [B]);
  t.ok(seen.events.every((event) => event.kind === 'members' && event.members.every((member) => member.state === 'ACTIVE')));
  await b.leave(leaseB);
  await listener.flush();
  t.equal(heard.length, 1, 'what B says itself is heard');
});

t.test('with one account for all, answers sent to the key of B are seen for what they are', async (t) => {
  const server = await natsServer(t, {
    config: `authorization { users: [ { user: control, password: c }
      { user: "${A.id}", password: m, permissions: { publish: ["${KEY_A}", "${GET_A}"], subscribe: ["_INBOX_${A.id}.>"] } } ] }`,
  });
  if (server === undefined) return;
  await server.start();
  const seen = watchBus(t, natsBus(t, login(server, 'control')));
  await seen.when(() => true);
  const b = natsBus(t, login(server, 'control'));
  const leaseB = await b.join(B);
  await seen.when(({ length }) => length === 1);
  const nc = await intruder(t, server);
  await jetstream(nc).publish(KEY_A, JSON.stringify({ v: 1, ...B, state: 'LEAVING', session: 'x', registeredMs: 0 }));
  nc.publish(GET_A, '', { reply: KEY_B });
  const removal = headers();
  removal.set('KV-Operation', 'DEL');
  await jetstream(nc).publish(KEY_A, '', { headers: removal });
  await seen.when((_, { warning }) => warning?.includes(`live-store.${B.id}: is an answer that somebody had sent here`) ?? false);
  t.match(seen.members(), [B]);
  await b.heartbeat(leaseB);
  t.notOk(leaseB.lost.aborted);
  await seen.when((_, { warning }) => warning === undefined);
});
