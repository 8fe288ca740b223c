// Hazards of an own engine that no other test here is about.
import t from 'tap';
import { headerBlock } from '../../src/http2/index.ts';
import { END_HEADERS, END_STREAM, frame, type Harness, harness, literals, REQUEST, recorder, setting, u32 } from '../support/http2-raw.ts';

const OVER = END_HEADERS | END_STREAM;
const REQUEST_HEADERS = headerBlock([...REQUEST]);
const RESPONSE = headerBlock([[':status', '200']]);
const request = literals(REQUEST);
const quiet = recorder(undefined).handler;

async function answered({ peer }: Harness, pings: number): Promise<void> {
  peer.send(frame('PING', 0, 0, Buffer.alloc(8)));
  await peer.until(() => peer.of('PING').length === pings);
}

t.test('H1 blocks of streams that we reset are decoded: what they put in the table is there', async (t) => {
  const made = harness('server');
  const { peer, streams } = made;
  peer.sendPreface();
  peer.send(frame('HEADERS', END_HEADERS, 1, request));
  await answered(made, 1);
  streams[0]?.stream.reset(8);
  // trailers of the stream that is gone: literal with indexing, "xun: a"
  peer.send(
    frame('HEADERS', OVER, 1, Buffer.from('400378756e0161', 'hex')),
    frame('HEADERS', OVER, 3, Buffer.concat([request, Buffer.from([0xbe])])),
  );
  await answered(made, 2);
  t.match(streams[1]?.events[0], /xun=a END$/);
});

t.test('H5 data of streams that are gone gives its window back', async (t) => {
  const made = harness('server', { initialConnectionWindowSize: 100_000 });
  const { peer, streams, connection } = made;
  peer.sendPreface();
  peer.send(frame('HEADERS', END_HEADERS, 1, request));
  await answered(made, 1);
  streams[0]?.stream.reset(8);
  for (let turn = 0; turn < 10; turn += 1) {
    peer.send(...Array.from({ length: 3 }, () => frame('DATA', 0, 1, Buffer.alloc(16_384))));
    await answered(made, turn + 2);
  }
  t.equal(connection.isOpen, true);
  const granted = peer.of('WINDOW_UPDATE').filter(({ streamId }) => streamId === 0);
  const given = granted.reduce((sum, { payload }) => sum + payload.readUInt32BE(), 65_535);
  t.ok(given > 30 * 16_384, `half a megabyte through a window of 100 000: ${given}`);
});

t.test('H6 headers and window updates do not wait for a bulk of data', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 0x7fff_ffff));
  peer.send(frame('WINDOW_UPDATE', 0, 0, u32(0x7000_0000)));
  for (const id of [1, 3]) peer.send(frame('HEADERS', OVER, id, request));
  await peer.until(() => streams.length === 2 || peer.isEnded);
  peer.pause();
  streams[0]?.stream.sendHeaders(RESPONSE, false);
  streams[0]?.stream.sendData(Buffer.alloc(4 << 20), true);
  await new Promise((resolve) => setImmediate(resolve));
  streams[1]?.stream.sendHeaders(RESPONSE, true);
  peer.resume();
  await peer.until(() => peer.frames.some(({ streamId, type }) => streamId === 3 && type === 'HEADERS'));
  t.ok(peer.of('DATA').reduce((sum, { payload }) => sum + payload.length, 0) < 1 << 20, 'long before the bulk is through');
});

t.test('H7 near the end of stream ids a connection takes no more streams, and those it has go on', async (t) => {
  const { peer, connection } = harness('client', { firstStreamId: 0x7fff_ffff - (1 << 16) - 4 });
  peer.send(frame('SETTINGS', 0, 0));
  const made = recorder(undefined);
  const streams = [connection.openStream(quiet), connection.openStream(made.handler)];
  for (const stream of streams) stream?.sendHeaders(REQUEST_HEADERS, true);
  await peer.until(() => peer.of('HEADERS').length === 2);
  t.same(
    streams.map((stream) => stream?.id),
    [0x7fff_ffff - (1 << 16) - 4, 0x7fff_ffff - (1 << 16) - 2],
  );
  t.equal(connection.acceptsStreams, false);
  t.equal(connection.openStream(quiet), undefined);
  peer.send(frame('HEADERS', OVER, streams[1]?.id ?? 0, literals([[':status', '200']])));
  while (made.events.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.same(made.events, ['headers :status=200 END']);
  connection.destroy();
});

t.test('H7 a limit of streams that the peer lowers on the way is kept at once', async (t) => {
  const { peer, connection } = harness('client');
  peer.send(frame('SETTINGS', 0, 0, setting(3, 4)));
  await peer.first('SETTINGS');
  await peer.until(() => peer.of('SETTINGS').length === 2);
  const streams = Array.from({ length: 4 }, () => connection.openStream(quiet));
  for (const stream of streams) stream?.sendHeaders(REQUEST_HEADERS, false);
  t.equal(connection.openStream(quiet), undefined);
  peer.send(frame('SETTINGS', 0, 0, setting(3, 2)));
  await peer.until(() => peer.of('SETTINGS').length === 3);
  streams[0]?.reset(8);
  streams[1]?.reset(8);
  t.equal(connection.openStream(quiet), undefined, 'two are as many as there may be');
  streams[2]?.reset(8);
  t.not(connection.openStream(quiet), undefined);
  t.equal(connection.openStream(quiet), undefined);
  connection.destroy();
});
