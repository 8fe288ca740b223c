import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import t from 'tap';
import { type Clock, systemClock } from '../../src/core/index.ts';
import {
  type BoundServer,
  type ConnectOptions,
  connect,
  endSocket,
  listen,
  localAddresses,
  readChunks,
  resolveName,
} from '../../src/transport/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const noEvents = { onSocket: (socket: Socket) => socket.destroy(), onAcceptError: () => {} };

function connected(options: Omit<ConnectOptions, 'timeoutMs' | 'clock'>): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connect({ timeoutMs: 5000, clock: systemClock, ...options }, { onConnected: resolve, onFailed: reject });
  });
}

t.test('listen tells the port that the kernel chose, and close frees it', async (t) => {
  const accepted: Socket[] = [];
  const server = await listen({ host: '127.0.0.1', port: 0 }, { ...noEvents, onSocket: (socket) => accepted.push(socket) });
  t.equal(server.address.host, '127.0.0.1');
  const client = await connected(server.address);
  while (accepted.length === 0) await new Promise(setImmediate);
  await server.close();
  const again = await listen(server.address, noEvents);
  t.equal(again.address.port, server.address.port, 'while a connection of the first is still open');
  await again.close();
  client.destroy();
  for (const socket of accepted) socket.destroy();
});

t.test('what keeps a port from being bound is said in one line', async (t) => {
  const server = await listen({ host: '127.0.0.1', port: 0 }, noEvents);
  t.teardown(() => server.close());
  const { port } = server.address;
  await t.rejects(listen(server.address, noEvents), {
    code: 'PORT_IN_USE',
    message: `cannot listen on 127.0.0.1:${port}: another process listens there; stop it or choose another port (EADDRINUSE)`,
  });
  await t.rejects(listen({ host: '192.0.2.1', port: 0 }, noEvents), {
    code: 'ADDRESS_NOT_LOCAL',
    message: /192\.0\.2\.1:0.*EADDRNOTAVAIL/,
  });
  await t.rejects(listen({ host: 'name.invalid', port: 0 }, noEvents), { code: 'NAME_NOT_FOUND' });
});

t.test('two servers share a port by reusePort', async (t) => {
  const first = await listen({ host: '127.0.0.1', port: 0, reusePort: true }, noEvents);
  const second: BoundServer = await listen({ ...first.address, reusePort: true }, noEvents);
  t.equal(second.address.port, first.address.port);
  await Promise.all([first.close(), second.close()]);
});

t.test('connect says why it failed', async (t) => {
  const server = await listen({ host: '127.0.0.1', port: 0 }, noEvents);
  await server.close();
  const { port } = server.address;
  await t.rejects(connected(server.address), {
    code: 'CONNECT_REFUSED',
    message: `cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
  });
  await t.rejects(connected({ host: 'name.invalid', port: 1 }), { code: 'NAME_NOT_FOUND' });
});

/** Every timer fires before the event loop asks the kernel for anything. */
const rushedClock: Clock = {
  ...systemClock,
  after(_delayMs, fn) {
    let isArmed = true;
    queueMicrotask(() => {
      if (isArmed) fn();
    });
    return {
      cancel: () => {
        isArmed = false;
      },
    };
  },
};

t.test('connect gives up at its time limit, and is silent when cancelled', async (t) => {
  const server = await listen({ host: '127.0.0.1', port: 0 }, noEvents);
  t.teardown(() => server.close());
  const failures: string[] = [];
  const events = { onConnected: () => t.fail('connected'), onFailed: (error: Error) => failures.push(error.message) };
  const late = { ...server.address, timeoutMs: 250, clock: rushedClock };
  connect(late, events);
  const cancelled = connect(late, events);
  cancelled.cancel();
  cancelled.cancel();
  await new Promise(setImmediate);
  t.same(failures, [`cannot connect to 127.0.0.1:${server.address.port}: no answer in 250 ms`]);
});

t.test('readChunks gets what came, in order, and end still comes', async (t) => {
  const server = await listen(
    { host: '127.0.0.1', port: 0 },
    { ...noEvents, onSocket: (socket) => void socket.end(Buffer.alloc(300_000, 'x')) },
  );
  t.teardown(() => server.close());
  const socket = await connected(server.address);
  let received = 0;
  t.equal(
    readChunks(socket, (chunk) => {
      received += chunk.length;
    }),
    true,
  );
  socket.resume();
  await once(socket, 'end');
  t.equal(received, 300_000);
  const other = new PassThrough();
  const chunks: string[] = [];
  t.equal(
    readChunks(other, (chunk) => chunks.push(String(chunk))),
    false,
  );
  other.end('as any stream');
  await once(other, 'end');
  t.same(chunks, ['as any stream']);
});

t.test('a socket that nobody reads directly is a stream as any', async (t) => {
  const server = await listen(
    { host: '127.0.0.1', port: 0 },
    { ...noEvents, onSocket: (socket) => void socket.end(Buffer.alloc(300_000, 'x')) },
  );
  t.teardown(() => server.close());
  const socket = await connected(server.address);
  let received = 0;
  for await (const chunk of socket) {
    received += (chunk as Buffer).length;
    t.equal(
      readChunks(socket, () => {}),
      false,
    );
  }
  t.equal(received, 300_000);
});

t.test('resolveName keeps to the family', async (t) => {
  const found = async (): Promise<{ address: string; family: number }[]> => [
    { address: '10.0.0.1', family: 4 },
    { address: 'fd00::1', family: 6 },
    { address: '10.0.0.2', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ];
  t.same(await resolveName('n', 'ALL', found), ['10.0.0.1', 'fd00::1', '10.0.0.2']);
  t.same(await resolveName('n', 'V4_ONLY', found), ['10.0.0.1', '10.0.0.2']);
  t.same(await resolveName('n', 'V6_ONLY', found), ['fd00::1']);
  t.same(await resolveName('n', 'AUTO', found), ['fd00::1']);
  t.same(await resolveName('n', 'V4_PREFERRED', found), ['10.0.0.1', '10.0.0.2']);
  t.same(await resolveName('127.0.0.9', 'V4_ONLY'), ['127.0.0.9']);
  t.same(await resolveName('::1', 'V4_ONLY'), []);
  await t.rejects(resolveName('name.invalid', 'ALL'), { message: /cannot resolve name\.invalid/ });
});

t.test('local addresses are each named once, without scope', async (t) => {
  t.same(
    localAddresses(() => ({
      lo: [{ address: '127.0.0.1' }],
      eth0: [{ address: 'fe80::1%eth0' }, { address: '127.0.0.1' }],
      none: undefined,
    })),
    ['127.0.0.1', 'fe80::1'],
  );
  t.ok(localAddresses().includes('127.0.0.1'));
});

t.test('a socket that ends has the time of grace, and again while what was written moves', async (t) => {
  const clock = new FakeClock();
  const pieces: (() => void)[] = [];
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void pieces.push(done) });
  for (let piece = 0; piece < 3; piece += 1) socket.write(Buffer.alloc(100));
  endSocket(socket, clock, 1000);
  for (let piece = 0; piece < 2; piece += 1) {
    await clock.advance(999);
    pieces.shift()?.();
    await clock.advance(1);
    t.equal(socket.destroyed, false, 'it moves');
  }
  await clock.advance(999);
  t.equal(socket.destroyed, false);
  await clock.advance(1);
  t.equal(socket.destroyed, true, 'it stands still');
  t.equal(clock.pending, 0);
});
