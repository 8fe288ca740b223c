// A peer that takes connections and says nothing, or something else: attempts end, and leave no connection behind.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { natsBus, natsConnection, watchBus } from '../support/nats-bus.ts';

t.setTimeout(60_000);

/** A server that greets with this. */
async function greeting(t: Test, text: string) {
  const open = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    socket.resume();
    socket.write(text);
  });
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, open, accepted: () => accepted };
}

t.test('nothing', async (t) => {
  const server = await greeting(t, '');
  const bus = natsBus(t, natsConnection([server.url]));
  const seen = watchBus(t, bus);
  t.match((await seen.failure()).error, { code: 'BUS_UNAVAILABLE', message: /^nats: 127\.0\.0\.1:\d+: no answer in time$/ });
  while (server.accepted() < 3) await new Promise((resolve) => setTimeout(resolve, 50));
  t.ok(server.open.size <= 1, `${server.open.size} connections`);
  const startMs = Date.now();
  await bus.close();
  while (server.open.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  t.ok(Date.now() - startMs < 1000, 'closing does not wait for the attempt');
});

t.test('what is no NATS', async (t) => {
  for (const text of [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'INFO {"nonsense\r\n',
    `INFO ${'x'.repeat(100_000)}`,
    '\0\xff\r\n',
    '-ERR go away\r\n',
  ]) {
    const server = await greeting(t, text);
    const seen = watchBus(t, natsBus(t, natsConnection([server.url])));
    const { error } = await seen.failure();
    t.match(error, { code: 'BUS_UNAVAILABLE', message: /^nats: 127\.0\.0\.1:\d+: [ -~]+$/ }, error.message);
    t.ok(error.message.length < 400);
  }
});
