// Bounds of time and memory: what a peer must finish, what it must read, and what all may hold together.
import t from 'tap';
import { BufferBudget, createCodecStats, headerBlock } from '../../src/http2/index.ts';
import { Counter } from '../../src/telemetry/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { END_HEADERS, END_STREAM, frame, harness, literals, REQUEST, setting, u32 } from '../support/http2-raw.ts';

const MIB = 1 << 20;
const RESPONSE = headerBlock([[':status', '200']]);
const request = literals(REQUEST);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(test: () => boolean): Promise<void> {
  while (!test()) await nextTurn();
}

t.test('a preface that does not come, or stops before SETTINGS, ends the connection', async (t) => {
  for (const begin of ['', 'PRI * HTTP/2.0\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
    const clock = new FakeClock();
    const stats = createCodecStats();
    const made = harness('server', { clock, stats, prefaceTimeoutMs: 5000 });
    made.peer.send(Buffer.from(begin));
    await nextTurn();
    await clock.advance(4999);
    t.equal(made.connection.isOpen, true);
    await clock.advance(1);
    t.equal(await made.peer.ending(), 0);
    t.equal(stats.prefaceTimeout.value, 1);
    t.match(made.closings[0]?.message, 'no whole preface in time');
    await clock.advance(1000);
    t.equal(clock.pending, 0, 'no timer is left');
  }
});

t.test('a header block that does not end, ends the connection; one that does is fine', async (t) => {
  const clock = new FakeClock();
  const stats = createCodecStats();
  const made = harness('server', { clock, stats, headersTimeoutMs: 5000 });
  made.peer.sendPreface();
  made.peer.send(frame('HEADERS', END_STREAM, 1, request), frame('CONTINUATION', END_HEADERS, 1, literals([['a', 'b']])));
  await until(() => made.streams.length === 1);
  t.equal(clock.pending, 0);
  made.peer.send(frame('HEADERS', END_STREAM, 3, request));
  await until(() => clock.pending === 1);
  await clock.advance(5000);
  t.equal(await made.peer.ending(), 0);
  t.equal(stats.headerTimeout.value, 1);
});

t.test('streams that are only to be read, and are not, are reset; those that move stay', async (t) => {
  const stats = createCodecStats();
  const { peer, connection, streams } = harness('server', { stats });
  peer.sendPreface(setting(4, 1000));
  for (const id of [1, 3, 5]) peer.send(frame('HEADERS', END_HEADERS | END_STREAM, id, request));
  await until(() => streams.length === 3);
  for (const { stream } of streams) stream.sendHeaders(RESPONSE, false);
  streams[0]?.stream.sendData(Buffer.alloc(5000), true);
  streams[1]?.stream.sendData(Buffer.alloc(5000), true);
  streams[2]?.stream.sendData(Buffer.alloc(5000), false);
  await peer.until(() => peer.of('DATA').length === 3);
  connection.dropStalled();
  t.equal(stats.txFlushTimeout.value, 0, 'seen for the first time');
  peer.send(frame('WINDOW_UPDATE', 0, 3, u32(1)));
  await peer.until(() => peer.of('DATA').length === 4);
  connection.dropStalled();
  t.equal(stats.txFlushTimeout.value, 1);
  t.same(
    streams.map(({ resets }) => resets),
    [[{ code: 8, origin: 'local' }], [], []],
    'the second moves, the third may still be given more: who gives it watches it',
  );
});

t.test('a socket that does not move ends its connection', async (t) => {
  const clock = new FakeClock();
  const stats = createCodecStats();
  const { peer, connection, streams, closings } = harness('server', { stats, clock });
  peer.sendPreface(setting(4, 10 * MIB));
  peer.send(frame('WINDOW_UPDATE', 0, 0, u32(10 * MIB)), frame('HEADERS', END_HEADERS | END_STREAM, 1, request));
  await until(() => streams.length === 1);
  peer.pause();
  streams[0]?.stream.sendHeaders(RESPONSE, false);
  streams[0]?.stream.sendData(Buffer.alloc(MIB), false);
  await nextTurn();
  connection.dropStalled();
  t.equal(connection.isOpen, true);
  connection.dropStalled();
  t.equal(connection.isOpen, false);
  t.equal(stats.txFlushTimeout.value, 1);
  t.match(closings[0]?.message, 'peer reads nothing');
  await clock.advance(1000);
  t.equal(clock.pending, 0);
});

t.test('H4 what waits in sockets counts as well, and a connection that holds most there ends', async (t) => {
  const resets = new Counter();
  const budget = new BufferBudget(300_000, resets);
  const { peer, connection, streams, closings } = harness('server', { budget });
  peer.sendPreface(setting(4, 10 * MIB));
  peer.send(frame('WINDOW_UPDATE', 0, 0, u32(10 * MIB)), frame('HEADERS', END_HEADERS | END_STREAM, 1, request));
  await until(() => streams.length === 1);
  peer.pause();
  streams[0]?.stream.sendHeaders(RESPONSE, false);
  streams[0]?.stream.sendData(Buffer.alloc(250_000), false);
  await nextTurn();
  t.equal(budget.isCrowded, true);
  t.equal(connection.isOpen, true);
  const other = harness('server', { budget });
  other.peer.sendPreface(setting(4, 0));
  other.peer.send(frame('HEADERS', END_HEADERS | END_STREAM, 1, request));
  await until(() => other.streams.length === 1);
  other.streams[0]?.stream.sendHeaders(RESPONSE, false);
  other.streams[0]?.stream.sendData(Buffer.alloc(120_000), false);
  await nextTurn();
  t.equal(resets.value, 1);
  t.equal(connection.isOpen, false, 'the larger');
  t.equal(other.connection.isOpen, true);
  t.match(closings[0]?.message, 'unread octets');
  other.connection.destroy();
  t.equal(budget.used, 0);
});

t.test('H4 one budget for all: above half of it streams hold little, above all of it the largest is reset', async (t) => {
  const resets = new Counter();
  const budget = new BufferBudget(4 * MIB, resets);
  const made = Array.from({ length: 3 }, () => harness('server', { budget }));
  for (const { peer } of made) {
    peer.sendPreface(setting(4, 0));
    for (const id of [1, 3]) peer.send(frame('HEADERS', END_HEADERS | END_STREAM, id, request));
  }
  await until(() => made.every(({ streams }) => streams.length === 2));
  const [a, b, c] = made.map(({ streams }) => streams.map(({ stream }) => stream));
  for (const stream of [...a!, ...b!, ...c!]) stream.sendHeaders(RESPONSE, false);
  await nextTurn();
  await until(() => budget.used === 0);
  t.equal(a![0]!.sendData(Buffer.alloc(MIB), false), true, 'a stream may hold a mebibyte');
  t.equal(b![0]!.sendData(Buffer.alloc(MIB - 1), false), true);
  t.equal(budget.isCrowded, false);
  t.equal(b![1]!.sendData(Buffer.alloc(65_537), false), false, 'now little');
  t.equal(c![0]!.sendData(Buffer.alloc(MIB + MIB / 2), false), false);
  t.equal(budget.used, 2 * MIB - 1 + 65_537 + MIB + MIB / 2);
  t.equal(c![1]!.sendData(Buffer.alloc(MIB / 2), false), false);
  await nextTurn();
  t.equal(resets.value, 1);
  t.same(
    made.map(({ streams }) => streams.map(({ resets }) => resets.length)),
    [
      [0, 0],
      [0, 0],
      [1, 0],
    ],
  );
  t.same(made[2]?.streams[0]?.resets, [{ code: 11, origin: 'local' }]);
  for (const { connection } of made) connection.destroy();
  t.equal(budget.used, 0, 'all is given back');
});
