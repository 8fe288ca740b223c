import t from 'tap';
import { UNLIMITED } from '../../src/http2/buffer-budget.ts';
import { ByteQueue } from '../../src/http2/byte-queue.ts';
import { headerBlock } from '../../src/http2/index.ts';
import { Sender, type SendingStream } from '../../src/http2/sender.ts';
import { END_HEADERS, END_STREAM, frame, harness, literals, REQUEST, setting, u32 } from '../support/http2-raw.ts';

const request = literals(REQUEST);
const RESPONSE = headerBlock([[':status', '200']]);
const MIB = 1_048_576;

/** `count` octets as DATA frames of a stream. */
function data(streamId: number, count: number): Buffer[] {
  const frames: Buffer[] = [];
  for (let left = count; left > 0; left -= 16_384) frames.push(frame('DATA', 0, streamId, Buffer.alloc(Math.min(left, 16_384))));
  return frames;
}

t.test('the connection is credited on receipt, a stream when its handler says', async (t) => {
  const { peer, streams } = harness('server', { initialStreamWindowSize: 100_000, initialConnectionWindowSize: 400_000 });
  peer.sendPreface();
  await peer.first('WINDOW_UPDATE');
  t.equal(peer.of('WINDOW_UPDATE')[0]!.payload.readUInt32BE(), 400_000 - 65_535);
  for (const id of [1, 3]) peer.send(frame('HEADERS', END_HEADERS, id, request), ...data(id, 100_000));
  await peer.until(() => peer.of('WINDOW_UPDATE').length === 2);
  const [, connection] = peer.of('WINDOW_UPDATE');
  t.equal(connection?.streamId, 0);
  t.equal(connection?.payload.readUInt32BE(), 200_000);
  streams[0]!.stream.credit(49_999);
  streams[0]!.stream.credit(1);
  await peer.until(() => peer.of('WINDOW_UPDATE').length === 3);
  t.same(
    peer
      .of('WINDOW_UPDATE')
      .slice(2)
      .map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
    [[1, 50_000]],
  );
});

t.test('H5 when handlers hold more than a connection window, the connection is credited only as they let go', async (t) => {
  const { peer, streams } = harness('server', { initialStreamWindowSize: 100_000, initialConnectionWindowSize: 100_000 });
  peer.sendPreface();
  peer.send(frame('HEADERS', END_HEADERS, 1, request), ...data(1, 100_000), frame('HEADERS', END_HEADERS, 3, request), ...data(3, 16_384));
  // answered at once, where a PING's answer would wait for the streams
  peer.send(frame('SETTINGS', 0, 0));
  await peer.until(() => peer.of('SETTINGS').length === 3);
  const granted = (): number =>
    peer
      .of('WINDOW_UPDATE')
      .filter(({ streamId }) => streamId === 0)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 65_535);
  const before = granted();
  peer.send(...data(3, 40_000), frame('SETTINGS', 0, 0));
  await peer.until(() => peer.of('SETTINGS').length === 4);
  t.equal(before, 100_000 + 4 * 16_384);
  t.equal(granted(), before, 'no more while 156 384 octets are held');
  streams[0]!.stream.credit(100_000);
  await peer.until(() => granted() > before);
});

t.test('DATA beyond a window is a fault of the stream, or of the connection', async (t) => {
  const stream = harness('server', { initialStreamWindowSize: 70_000 });
  stream.peer.sendPreface();
  stream.peer.send(frame('HEADERS', END_HEADERS, 1, request), ...data(1, 70_001));
  const reset = await stream.peer.first('RST_STREAM');
  t.equal(reset.payload.readUInt32BE(), 3);
  t.same(stream.streams[0]?.resets, [{ code: 3, origin: 'local' }]);
  const whole = harness('server', { initialStreamWindowSize: 10 * MIB, initialConnectionWindowSize: 65_535 });
  whole.peer.sendPreface();
  whole.peer.send(frame('HEADERS', END_HEADERS, 1, request), ...data(1, 140_000));
  t.equal(await whole.peer.ending(), 3);
});

t.test('H5 padding is credited without anybody', async (t) => {
  const { peer, streams } = harness('server', { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 });
  peer.sendPreface();
  const padded = frame('DATA', 8, 1, Buffer.concat([Buffer.from([255]), Buffer.from('x'), Buffer.alloc(255)]));
  peer.send(frame('HEADERS', END_HEADERS, 1, request), ...Array.from({ length: 200 }, () => padded));
  await peer.until(() => peer.of('WINDOW_UPDATE').some(({ streamId }) => streamId === 1));
  t.equal(streams[0]?.body.length, 200);
});

t.test('H6 a stalled stream does not stall the others, and quanta go round', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 10 * MIB));
  for (const id of [1, 3, 5]) peer.send(frame('HEADERS', END_HEADERS | END_STREAM, id, request));
  await peer.until(() => streams.length === 3);
  for (const { stream } of streams) {
    stream.sendHeaders(RESPONSE, false);
    stream.sendData(Buffer.alloc(100_000), true);
  }
  await peer.until(() => peer.of('DATA').reduce((sum, { payload }) => sum + payload.length, 0) === 65_535);
  const before = peer.frames.length;
  peer.send(frame('WINDOW_UPDATE', 0, 0, u32(6 * 16_384)));
  const sent = (id: number): number =>
    peer.frames.slice(before).reduce((sum, one) => sum + (one.type === 'DATA' && one.streamId === id ? one.payload.length : 0), 0);
  await peer.until(() => sent(1) + sent(3) + sent(5) === 6 * 16_384);
  t.same([sent(1), sent(3), sent(5)], [2 * 16_384, 2 * 16_384, 2 * 16_384]);
  peer.send(frame('WINDOW_UPDATE', 0, 0, u32(MIB)));
  await peer.until(() => peer.of('DATA').filter(({ flags }) => flags === 1).length === 3);
});

t.test('a stream without window is passed over', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 10));
  for (const id of [1, 3]) peer.send(frame('HEADERS', END_HEADERS | END_STREAM, id, request));
  await peer.until(() => streams.length === 2);
  for (const { stream } of streams) {
    stream.sendHeaders(RESPONSE, false);
    stream.sendData(Buffer.alloc(1000), true);
  }
  peer.send(frame('WINDOW_UPDATE', 0, 3, u32(990)));
  await peer.until(() => peer.of('DATA').some(({ streamId, flags }) => streamId === 3 && flags === 1));
  t.equal(streams[0]?.stream.isOpen, true);
});

t.test('a stream that is reset while it waits for the window of the connection leaves the line', async (t) => {
  const sent: number[] = [];
  const target = {
    data: (streamId: number, _bytes: Buffer, start: number, end: number): number => {
      sent.push(streamId);
      return end - start;
    },
    takesData: () => true,
  };
  const sender = new Sender(target, UNLIMITED);
  const stream = (id: number): SendingStream => ({
    id,
    sendWindow: MIB,
    queue: new ByteQueue(),
    isWaiting: false,
    endsWithData: false,
    onSent() {},
  });
  const [all, first, second] = [stream(1), stream(3), stream(5)];
  t.equal(sender.send(all!, Buffer.alloc(MIB), 0, MIB, false), 65_535, 'the window of the connection');
  for (const waiting of [first!, second!]) {
    waiting.queue.push(Buffer.alloc(10), 0);
    sender.enqueue(waiting, 10);
  }
  sender.dropped(first!, 10);
  t.equal(sender.queued, 10);
  t.equal(first!.isWaiting, false);
  sender.grow(100);
  sender.drain();
  t.same(sent, [1, 5], 'its place is free');
  sender.dropped(second!, 0);
  sender.grow(100);
  t.equal(sender.isReady, false, 'nobody is in the line');
});

t.test('SETTINGS move the windows of open streams, below zero if need be', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 100));
  peer.send(frame('HEADERS', END_HEADERS | END_STREAM, 1, request));
  await peer.until(() => streams.length === 1);
  const { stream } = streams[0]!;
  stream.sendHeaders(RESPONSE, false);
  stream.sendData(Buffer.alloc(150), false);
  await peer.first('DATA');
  peer.send(frame('SETTINGS', 0, 0, setting(4, 40)), frame('WINDOW_UPDATE', 0, 1, u32(60)), frame('PING', 0, 0, Buffer.alloc(8)));
  await peer.first('PING');
  t.equal(peer.of('DATA').length, 1, '100 - 60 + 60 - 100 = 0');
  peer.send(frame('SETTINGS', 0, 0, setting(4, 90)));
  await peer.until(() => peer.of('DATA').length === 2);
  t.equal(peer.of('DATA')[1]?.payload.length, 50);
});

t.test('sendData says stop above the limit, and onDrain when half of it has gone', async (t) => {
  const { peer, streams } = harness('server', { streamBufferLimit: 100_000 });
  peer.sendPreface(setting(4, 0));
  peer.send(frame('HEADERS', END_HEADERS, 1, request));
  await peer.until(() => streams.length === 1);
  const { stream, events } = streams[0]!;
  stream.sendHeaders(RESPONSE, false);
  t.equal(stream.sendData(Buffer.alloc(60_000), false), true);
  t.equal(stream.sendData(Buffer.alloc(60_000), false), false);
  peer.send(frame('WINDOW_UPDATE', 0, 1, u32(60_000)), frame('PING', 0, 0, Buffer.alloc(8)));
  await peer.first('PING');
  t.equal(events.includes('drain'), false);
  peer.send(frame('WINDOW_UPDATE', 0, 1, u32(20_000)), frame('WINDOW_UPDATE', 0, 0, u32(200_000)));
  await peer.until(() => events.includes('drain'));
});

t.test('H4 a peer that does not read makes us hold no more than its windows and the limits', async (t) => {
  const { peer, streams } = harness('server', { streamBufferLimit: MIB });
  peer.sendPreface(setting(4, 100 * MIB));
  peer.send(frame('WINDOW_UPDATE', 0, 0, u32(1000 * MIB)));
  const ids = Array.from({ length: 20 }, (_, index) => index * 2 + 1);
  for (const id of ids) peer.send(frame('HEADERS', END_HEADERS, id, request));
  await peer.until(() => streams.length === 20);
  peer.pause();
  const chunk = Buffer.alloc(65_536);
  let taken = 0;
  for (const { stream } of streams) {
    stream.sendHeaders(RESPONSE, false);
    let goesOn = true;
    while (goesOn) {
      goesOn = stream.sendData(chunk, false);
      taken += chunk.length;
    }
  }
  t.ok(taken < 20 * (MIB + 65_536 + 1) + 1_000_000, `${taken} octets are held for a peer that would take ${20 * 100 * MIB}`);
  for (const { stream } of streams) stream.sendData(Buffer.alloc(0), true);
  peer.resume();
  await peer.until(() => peer.of('DATA').filter(({ flags }) => flags === 1).length === 20);
  t.equal(
    peer.of('DATA').reduce((sum, { payload }) => sum + payload.length, 0),
    taken,
  );
});

t.test('H4 when all streams together hold too much, each may hold little', async (t) => {
  const { peer, streams } = harness('server', { streamBufferLimit: MIB, connectionBufferLimit: 2 * MIB });
  peer.sendPreface(setting(4, 0));
  for (const id of [1, 3, 5, 7]) peer.send(frame('HEADERS', END_HEADERS, id, request));
  await peer.until(() => streams.length === 4);
  const limits = streams.map(({ stream }) => {
    stream.sendHeaders(RESPONSE, false);
    let taken = 0;
    while (stream.sendData(Buffer.alloc(32_768), false)) taken += 32_768;
    return taken;
  });
  t.same(limits, [MIB, MIB - 32_768, 65_536, 65_536]);
  // The room is given back with the streams.
  streams[0]!.stream.reset(8);
  streams[1]!.stream.reset(8);
  peer.send(frame('HEADERS', END_HEADERS, 9, request));
  await peer.until(() => streams.length === 5);
  const { stream } = streams[4]!;
  stream.sendHeaders(RESPONSE, false);
  t.equal(stream.sendData(Buffer.alloc(500_000), false), true);
});
