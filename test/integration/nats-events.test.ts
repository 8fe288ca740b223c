// The events of docs/guide/events.md, as anybody may subscribe to them.
import { connect, type NatsConnection } from '@nats-io/transport-node';
import t from 'tap';
import type { Announcement } from '../../src/membership/types.ts';
import { natsBus, natsConnection, watchBus } from '../support/nats-bus.ts';
import { natsServer } from '../support/nats-server.ts';

t.setTimeout(60_000);

const A: Announcement = { id: 'a.0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 3, state: 'JOINING' };

/** What is heard: the end of the subject, and the JSON without its time, which is checked. */
async function listen(nc: NatsConnection) {
  const heard: (readonly [string, unknown])[] = [];
  let wake = (): void => {};
  nc.subscribe('ringway.>', {
    callback: (_, message) => {
      const { atMs, ...rest } = message.json<{ atMs: number }>();
      heard.push([message.subject, Math.abs(Date.now() - atMs) < 5000 ? rest : 'not now']);
      wake();
    },
  });
  await nc.flush();
  return async (): Promise<readonly [string, unknown]> => {
    while (heard.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return heard.shift() ?? ['', ''];
  };
}

t.test('joined, state, left; joined again after it was taken out', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const connection = natsConnection([server.url]);
  const control = natsBus(t, connection, { forgetAfterMs: 1000 });
  const seen = watchBus(t, control);
  await seen.when(() => true);
  const nc = await connect({ servers: server.url, reconnect: false });
  t.teardown(() => nc.close());
  const next = await listen(nc);
  const bus = natsBus(t, connection);
  const body = { ring: 'live-store', member: 'a.0', state: 'JOINING', address: '10.0.0.1:9096', zone: 'zone-a', partition: 3 };

  const lease = await bus.join(A);
  t.strictSame(await next(), ['ringway.live-store.a=2E0.joined', body]);
  await bus.heartbeat(lease);
  await bus.setState(lease, 'JOINING');
  await bus.setState(lease, 'ACTIVE');
  t.strictSame(await next(), ['ringway.live-store.a=2E0.state', { ...body, state: 'ACTIVE' }], 'nothing for a heartbeat');
  t.strictSame(await next(), ['ringway.live-store.a=2E0.left', { ...body, state: 'LEFT', reason: 'expired' }]);
  await bus.heartbeat(lease);
  t.strictSame(await next(), ['ringway.live-store.a=2E0.joined', { ...body, state: 'ACTIVE' }]);
  await bus.leave(lease);
  t.strictSame(await next(), ['ringway.live-store.a=2E0.left', { ...body, state: 'LEFT', reason: 'leave' }]);
});

t.test('of two readers one says that a member has expired', async (t) => {
  const server = await natsServer(t);
  if (server === undefined) return;
  await server.start();
  const connection = natsConnection([server.url]);
  const readers = [1, 2].map(() => watchBus(t, natsBus(t, connection, { forgetAfterMs: 1000 })));
  await Promise.all(readers.map((seen) => seen.when(() => true)));
  const nc = await connect({ servers: server.url, reconnect: false });
  t.teardown(() => nc.close());
  const next = await listen(nc);
  const bus = natsBus(t, connection);
  const lease = await bus.join(A);
  await next();
  await Promise.all(readers.map((seen) => seen.when(({ length }) => length === 1)));
  await Promise.all(readers.map((seen) => seen.when(({ length }) => length === 0)));
  t.match(await next(), ['ringway.live-store.a=2E0.left', { reason: 'expired' }]);
  await bus.heartbeat(lease);
  t.match(await next(), ['ringway.live-store.a=2E0.joined', {}], 'and nobody has said it again');
});
