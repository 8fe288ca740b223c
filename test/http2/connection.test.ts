import { duplexPair } from 'node:stream';
import t from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { createServerConnection, ErrorCode, headerBlock } from '../../src/http2/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { END_HEADERS, END_STREAM, frame, harness, literals, RawPeer, REQUEST, recorder, setting, u32 } from '../support/http2-raw.ts';

const OVER = END_HEADERS | END_STREAM;
const RESPONSE = headerBlock([[':status', '200']]);
const REQUEST_HEADERS = headerBlock(REQUEST);
const request = literals(REQUEST);
const goAway = (lastStreamId: number, code: number, debug = ''): Buffer =>
  frame('GOAWAY', 0, 0, Buffer.concat([u32(lastStreamId, code), Buffer.from(debug)]));

t.test('the server says its settings, in Envoy order, and acknowledges ours', async (t) => {
  const { peer, connection } = harness('server');
  peer.sendPreface();
  await peer.until(() => peer.of('SETTINGS').length === 2);
  t.equal(peer.of('SETTINGS')[0]?.payload.toString('hex'), ['000100001000', '000800000000', '000300000400', '000400100000'].join(''));
  t.equal(peer.of('SETTINGS')[1]?.flags, 1);
  t.equal(connection.bytesRead, 24 + 9);
  t.equal(connection.bytesWritten, 9 + 24 + 13 + 9);
});

t.test('octets that were read before the connection was made come first', async (t) => {
  const [near, far] = duplexPair();
  const peer = new RawPeer(far);
  const initialBytes = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM');
  const started: string[] = [];
  const connection = createServerConnection(
    near,
    { clock: systemClock, initialBytes },
    {
      onStream: (stream) => {
        started.push(`stream ${stream.id}`);
        return recorder(stream).handler;
      },
      onClose: () => {},
    },
  );
  started.push('created');
  peer.send(Buffer.from('\r\n\r\n'), frame('SETTINGS', 0, 0), frame('HEADERS', OVER, 1, request));
  await peer.until(() => started.length === 2);
  t.same(started, ['created', 'stream 1']);
  connection.destroy();
});

t.test('octets that wait in the socket behind those that were read before come next', async (t) => {
  const [near, far] = duplexPair();
  const peer = new RawPeer(far);
  peer.sendPreface();
  peer.send(frame('PING', 0, 0, Buffer.from('behind..')));
  await settle();
  near.once('data', (first: Buffer) => {
    createServerConnection(
      near,
      { clock: systemClock, initialBytes: first },
      { onStream: () => recorder(undefined).handler, onClose: () => {} },
    );
  });
  t.equal((await peer.first('PING')).payload.toString(), 'behind..');
  peer.end();
});

t.test('ping tells the round trip; foreign acknowledgements are ignored', async (t) => {
  const clock = new FakeClock();
  const { peer, connection } = harness('server', { clock });
  peer.sendPreface();
  const roundTrips: number[] = [];
  connection.ping((ms) => roundTrips.push(ms));
  connection.ping((ms) => roundTrips.push(ms));
  await peer.until(() => peer.of('PING').length === 2);
  await clock.advance(30);
  const [first, second] = peer.of('PING');
  peer.send(frame('PING', 1, 0, Buffer.alloc(8)), frame('PING', 1, 0, second!.payload), frame('PING', 1, 0, second!.payload));
  while (roundTrips.length < 1) await settle();
  await clock.advance(20);
  peer.send(frame('PING', 1, 0, first!.payload));
  while (roundTrips.length < 2) await settle();
  t.same(roundTrips, [30, 50]);
  t.equal(clock.pending, 0, 'no timer runs on an idle connection');
});

t.test('H7 drain announces, names the last stream a round trip later, and closes when streams have ended', async (t) => {
  const { peer, connection, streams, closings } = harness('server');
  peer.sendPreface();
  peer.send(frame('HEADERS', OVER, 1, request));
  await peer.until(() => streams.length === 1);
  const drained = connection.drain(10_000);
  const ping = await peer.first('PING');
  t.same(
    peer.of('GOAWAY').map(({ payload }) => payload.toString('hex')),
    [u32(0x7fff_ffff, 0).toString('hex')],
  );
  // What was under way when the client read the announcement is still taken.
  peer.send(frame('HEADERS', OVER, 3, request), frame('PING', 1, 0, ping.payload), frame('HEADERS', OVER, 5, request));
  await peer.until(() => peer.of('RST_STREAM').length === 1);
  t.equal(streams.length, 2);
  t.equal(peer.of('GOAWAY')[1]?.payload.toString('hex'), u32(3, 0).toString('hex'));
  t.same([peer.of('RST_STREAM')[0]?.streamId, peer.of('RST_STREAM')[0]?.payload.readUInt32BE()], [5, ErrorCode.REFUSED_STREAM]);
  t.equal(connection.isOpen, true);
  for (const { stream } of streams) stream.sendHeaders(RESPONSE, true);
  await drained;
  t.same(closings, [undefined]);
  await peer.ending();
  t.equal(peer.of('HEADERS').length, 2);
});

t.test('drain cuts what is left at its time limit', async (t) => {
  const clock = new FakeClock();
  const { peer, connection, streams, closings } = harness('server', { clock });
  peer.sendPreface();
  peer.send(frame('HEADERS', END_HEADERS, 1, request));
  await peer.until(() => streams.length === 1);
  const drained = connection.drain(500);
  t.equal(connection.drain(1) instanceof Promise, true, 'a second call waits for the first');
  await clock.advance(499);
  t.equal(connection.isOpen, true);
  await clock.advance(1);
  await drained;
  t.same(streams[0]?.resets, [{ code: 0, origin: 'connection' }]);
  t.same(closings, [undefined]);
});

t.test('a fault while it drains names no later stream than the drain has named', async (t) => {
  const { peer, connection, streams } = harness('server');
  peer.sendPreface();
  peer.send(frame('HEADERS', END_HEADERS, 1, request));
  await peer.until(() => streams.length === 1);
  void connection.drain(10_000);
  const ping = await peer.first('PING');
  peer.send(frame('PING', 1, 0, ping.payload), frame('HEADERS', END_HEADERS, 3, request), frame('DATA', 0, 0));
  t.equal(await peer.ending(), ErrorCode.PROTOCOL_ERROR);
  t.same(
    peer.of('GOAWAY').map(({ payload }) => payload.readUInt32BE()),
    [0x7fff_ffff, 1, 1],
  );
});

t.test('a client that drains opens no more and closes after its last stream', async (t) => {
  const { peer, connection, closings } = harness('client');
  const call = recorder(undefined);
  connection.openStream(call.handler)?.sendHeaders(REQUEST_HEADERS, true);
  const drained = connection.drain(10_000);
  t.equal(connection.acceptsStreams, false);
  t.equal(connection.openStream(call.handler), undefined);
  await peer.first('GOAWAY');
  peer.send(frame('SETTINGS', 0, 0), frame('HEADERS', OVER, 1, literals([[':status', '200']])));
  await drained;
  t.same(closings, [undefined]);
  t.equal(call.events.length, 1);
});

t.test('H7 GOAWAY: streams above the last are refused, the others go on, then the client closes', async (t) => {
  const { peer, connection, goAways, closings } = harness('client');
  const calls = [recorder(undefined), recorder(undefined)];
  for (const call of calls) connection.openStream(call.handler)?.sendHeaders(REQUEST_HEADERS, true);
  await peer.until(() => peer.of('HEADERS').length === 2);
  peer.send(frame('SETTINGS', 0, 0), goAway(1, 0, 'later'));
  await peer.until(() => goAways.length === 1);
  t.same(goAways, ['1 0 later']);
  t.equal(connection.acceptsStreams, false);
  t.same(calls[1]?.resets, [{ code: 7, origin: 'refused' }]);
  t.equal(connection.isOpen, true);
  peer.send(frame('HEADERS', OVER, 1, literals([[':status', '200']])));
  await peer.ending();
  t.same(closings, [undefined]);
  t.same(calls[0]?.events, ['headers :status=200 END']);
});

t.test('H7 GOAWAY: a stream that has not begun is refused, whatever the last one was', async (t) => {
  const { peer, connection, goAways } = harness('client');
  const call = recorder(undefined);
  const stream = connection.openStream(call.handler);
  peer.send(frame('SETTINGS', 0, 0), goAway(0x7fff_ffff, 0, ''));
  await peer.until(() => goAways.length === 1);
  t.same(call.resets, [{ code: 7, origin: 'refused' }]);
  stream?.sendHeaders(REQUEST_HEADERS, true);
  await peer.ending();
  t.equal(peer.of('HEADERS').length, 0);
});

t.test('GOAWAY with an error and the end of the socket become the reason', async (t) => {
  const { peer, closings } = harness('client');
  peer.send(frame('SETTINGS', 0, 0), goAway(0, 11, 'too_many_pings'));
  peer.end();
  while (closings.length === 0) await settle();
  t.match(closings[0], { code: 'HTTP2_GOAWAY', message: 'peer closed the connection with GOAWAY ENHANCE_YOUR_CALM "too_many_pings"' });
});

t.test('a lost socket resets every stream, begun or not', async (t) => {
  const { peer, connection, closings } = harness('client');
  const calls = [recorder(undefined), recorder(undefined)];
  connection.openStream(calls[0]!.handler)?.sendHeaders(REQUEST_HEADERS, false);
  connection.openStream(calls[1]!.handler);
  await peer.first('HEADERS');
  peer.end();
  while (closings.length === 0) await settle();
  t.match(closings[0], { code: 'HTTP2_CONNECTION_LOST', message: 'peer closed the connection with 2 streams open' });
  t.same(
    calls.map(({ resets }) => resets.map(({ origin }) => origin)),
    [['connection'], ['connection']],
  );
  t.equal(connection.isOpen, false);
  t.equal(connection.openStream(calls[0]!.handler), undefined);
  connection.ping(() => t.fail('no ping on a closed connection'));
  connection.destroy();
  await connection.drain(10);
  t.equal(closings.length, 1);
});

t.test('the end of a quiet connection is no error', async (t) => {
  const { peer, closings } = harness('server');
  peer.sendPreface();
  await peer.first('SETTINGS');
  peer.end();
  while (closings.length === 0) await settle();
  t.same(closings, [undefined]);
});

t.test('destroy says GOAWAY with its code, and gives the peer a second to read it', async (t) => {
  const clock = new FakeClock();
  const { peer, connection, closings } = harness('server', { clock });
  peer.sendPreface();
  await peer.first('SETTINGS');
  connection.destroy(ErrorCode.ENHANCE_YOUR_CALM);
  t.match(closings[0], { code: 'HTTP2_ENHANCE_YOUR_CALM' });
  t.equal(await peer.ending(), 11);
  t.equal(clock.pending, 1);
  peer.end();
  while (clock.pending > 0) await settle();
});

for (const where of ['onStream', 'onHeaders', 'onData', 'onTrailers', 'onReset', 'onDrain'] as const) {
  t.test(`H11 a throw in ${where} ends that connection and nothing else`, async (t) => {
    const boom = (name: string): void => {
      if (name === where) throw new Error(`boom in ${name}`);
    };
    const { peer, closings } = harness('server', { streamBufferLimit: 1 }, (stream) => {
      boom('onStream');
      return {
        onHeaders: () => {
          boom('onHeaders');
          stream.sendHeaders(RESPONSE, false);
          stream.sendData(Buffer.alloc(10), false);
        },
        onData: () => boom('onData'),
        onTrailers: () => boom('onTrailers'),
        onReset: () => boom('onReset'),
        onDrain: () => boom('onDrain'),
      };
    });
    peer.sendPreface(setting(4, 0));
    peer.send(frame('HEADERS', END_HEADERS, 1, request), frame('DATA', 0, 1, Buffer.from('x')), frame('WINDOW_UPDATE', 0, 1, u32(10)));
    peer.send(frame('PING', 0, 0, Buffer.alloc(8)));
    if (where === 'onTrailers' || where === 'onReset') await peer.first('PING');
    peer.send(where === 'onReset' ? frame('RST_STREAM', 0, 1, u32(8)) : frame('HEADERS', OVER, 1, literals([['a', 'b']])));
    t.equal(await peer.ending(), ErrorCode.INTERNAL_ERROR);
    t.match(closings, [{ message: `boom in ${where}` }]);
  });
}

t.test('H11 a throw in onReset of a stalled stream ends its connection, not who looks for stalled ones', async (t) => {
  const { peer, connection, closings } = harness('server', {}, (stream) => ({
    ...recorder(undefined).handler,
    onHeaders: () => {
      stream.sendHeaders(RESPONSE, false);
      stream.sendData(Buffer.alloc(10), true);
    },
    onReset: () => {
      throw new Error('boom');
    },
  }));
  peer.sendPreface(setting(4, 0));
  peer.send(frame('HEADERS', OVER, 1, request));
  await peer.until(() => peer.of('HEADERS').length === 1);
  connection.dropStalled();
  connection.dropStalled();
  t.match(closings, [{ message: 'boom' }]);
  t.equal(await peer.ending(), ErrorCode.INTERNAL_ERROR);
});

t.test('a handler may end the connection from within', async (t) => {
  const made = harness('server', {}, () => {
    made.connection.destroy(ErrorCode.CANCEL);
    return { ...recorder(undefined).handler, onHeaders: () => t.fail('nothing follows') };
  });
  made.peer.sendPreface();
  made.peer.send(frame('HEADERS', OVER, 1, request), frame('HEADERS', OVER, 3, request));
  t.equal(await made.peer.ending(), ErrorCode.CANCEL);
  t.equal(made.closings.length, 1);
});

t.test('a throw in onClose is a warning', async (t) => {
  const [near] = duplexPair();
  const connection = createServerConnection(
    near,
    { clock: new FakeClock() },
    {
      onStream: (stream) => recorder(stream).handler,
      onClose: () => {
        throw new Error('boom in onClose');
      },
    },
  );
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  connection.destroy();
  t.equal((await warned).message, 'boom in onClose');
});

t.test('a socket that was left paused is read', async (t) => {
  const [near, far] = duplexPair();
  near.pause();
  const peer = new RawPeer(far);
  const connection = createServerConnection(
    near,
    { clock: systemClock },
    { onStream: (stream) => recorder(stream).handler, onClose: () => {} },
  );
  peer.sendPreface();
  await peer.until(() => peer.of('SETTINGS').length === 2);
  t.equal(connection.isOpen, true);
  connection.destroy();
});
