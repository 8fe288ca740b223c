import t from 'tap';
import { ErrorCode, headerBlock } from '../../src/http2/index.ts';
import { END_HEADERS, END_STREAM, frame, harness, literals, REQUEST, recorder, setting, u32 } from '../support/http2-raw.ts';

const OPEN = END_HEADERS;
const OVER = END_HEADERS | END_STREAM;
const RESPONSE = headerBlock([[':status', '200']]);
const TRAILERS = headerBlock([['grpc-status', '0']]);
const REQUEST_HEADERS = headerBlock(REQUEST);
const request = literals(REQUEST);
const STATUS_200 = literals([[':status', '200']]);

t.test('a request with body and trailers, and an answer with both', async (t) => {
  const { peer, streams, connection } = harness('server');
  peer.sendPreface();
  peer.send(
    frame('HEADERS', OPEN, 1, request),
    frame('DATA', 0, 1, Buffer.from('abc')),
    frame('HEADERS', OVER, 1, literals([['x-sum', '3']])),
  );
  await peer.until(() => streams[0]?.events.length === 3);
  const { stream, events } = streams[0]!;
  t.same(events, [
    'headers :method=POST :scheme=http :path=/tempopb.Querier/FindTraceByID :authority=127.0.0.12:9196',
    'data 3',
    'trailers x-sum=3',
  ]);
  t.equal(connection.activeStreams, 1);
  stream.sendHeaders(headerBlock([[':status', '103']]), false);
  stream.sendHeaders(RESPONSE, false);
  t.equal(stream.sendData(Buffer.from('xyz'), false), true);
  stream.sendTrailers(TRAILERS);
  t.equal(stream.isOpen, false);
  t.equal(connection.activeStreams, 0);
  await peer.until(() => peer.of('HEADERS').length === 3);
  t.same(
    peer.frames.filter(({ streamId }) => streamId === 1).map(({ type, flags }) => `${type} ${flags}`),
    ['HEADERS 4', 'HEADERS 4', 'DATA 0', 'HEADERS 5'],
  );
  t.same(
    peer.of('HEADERS').map(({ payload }) => peer.decodeHeaders(payload)),
    [[':status: 103'], [':status: 200'], ['grpc-status: 0']],
  );
  stream.reset(ErrorCode.CANCEL);
  t.equal(peer.of('RST_STREAM').length, 0, 'a stream that is over is not reset');
});

t.test('H10 a client gets informational answers, the answer, and trailers; its request is one write with the preface', async (t) => {
  const { peer, connection } = harness('client');
  const call = recorder(undefined);
  const stream = connection.openStream(call.handler)!;
  t.equal(stream.id, 0);
  stream.sendHeaders(REQUEST_HEADERS, true);
  t.equal(stream.id, 1);
  await peer.first('HEADERS');
  t.same(
    peer.frames.map(({ type }) => type),
    ['SETTINGS', 'WINDOW_UPDATE', 'HEADERS'],
  );
  t.equal(peer.of('SETTINGS')[0]!.payload.toString('hex'), '000100001000' + '000200000000' + '000400100000');
  peer.send(frame('SETTINGS', 0, 0), frame('HEADERS', OPEN, 1, literals([[':status', '103']])));
  peer.send(
    frame('HEADERS', OPEN, 1, STATUS_200),
    frame('DATA', 0, 1, Buffer.from('abc')),
    frame('HEADERS', OVER, 1, literals([['a', 'b']])),
  );
  await peer.until(() => !stream.isOpen);
  t.same(call.events, ['informational 103', 'headers :status=200', 'data 3', 'trailers a=b']);
  t.equal(connection.activeStreams, 0);
});

t.test('H10 an answer before the request has ended leaves the request open', async (t) => {
  const { peer, connection } = harness('client');
  const call = recorder(undefined);
  const stream = connection.openStream(call.handler)!;
  stream.sendHeaders(REQUEST_HEADERS, false);
  await peer.first('HEADERS');
  peer.send(frame('SETTINGS', 0, 0), frame('HEADERS', OVER, 1, STATUS_200));
  await peer.until(() => call.events.length === 1);
  t.equal(stream.isOpen, true);
  stream.sendData(Buffer.from('rest'), true);
  t.equal(stream.isOpen, false);
});

t.test('H3 what waits for window is sent in order, trailers last', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 5));
  peer.send(frame('HEADERS', OVER, 1, request));
  await peer.until(() => streams.length === 1);
  const { stream } = streams[0]!;
  stream.sendHeaders(RESPONSE, false);
  stream.sendData(Buffer.from('hello world'), false);
  stream.sendTrailers(TRAILERS);
  stream.sendData(Buffer.from('ignored'), true);
  t.equal(stream.isOpen, true);
  await peer.until(() => peer.of('DATA').length === 1);
  t.equal(peer.of('DATA')[0]!.payload.toString(), 'hello');
  peer.send(frame('WINDOW_UPDATE', 0, 1, u32(3)));
  await peer.until(() => peer.of('DATA').length === 2);
  t.equal(peer.of('HEADERS').length, 1, 'trailers wait');
  peer.send(frame('WINDOW_UPDATE', 0, 1, u32(100)));
  await peer.until(() => peer.of('HEADERS').length === 2);
  t.equal(Buffer.concat(peer.of('DATA').map(({ payload }) => payload)).toString(), 'hello world');
  t.equal(peer.frames.at(-1)?.type, 'HEADERS');
  t.equal(stream.isOpen, false);
});

t.test('H3 RST_STREAM with NO_ERROR stands behind what waits, with another code it drops it', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 5));
  peer.send(frame('HEADERS', OPEN, 1, request), frame('HEADERS', OPEN, 3, request), frame('HEADERS', OPEN, 5, request));
  await peer.until(() => streams.length === 3);
  for (const { stream } of streams) {
    stream.sendHeaders(RESPONSE, false);
    stream.sendData(Buffer.from('hello world'), false);
  }
  streams[0]!.stream.sendTrailers(TRAILERS);
  streams[0]!.stream.reset(ErrorCode.NO_ERROR);
  streams[1]!.stream.reset(ErrorCode.NO_ERROR);
  streams[2]!.stream.reset(ErrorCode.INTERNAL_ERROR);
  await peer.until(() => peer.of('RST_STREAM').length === 1);
  t.same(
    peer.of('RST_STREAM').map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
    [[5, 2]],
  );
  peer.send(frame('WINDOW_UPDATE', 0, 1, u32(100)), frame('WINDOW_UPDATE', 0, 3, u32(100)), frame('WINDOW_UPDATE', 0, 5, u32(100)));
  await peer.until(() => peer.of('RST_STREAM').length === 3);
  const lines = peer.frames.filter(({ streamId }) => streamId > 0).map(({ type, streamId, flags }) => `${streamId} ${type} ${flags}`);
  t.same(
    lines.filter((line) => line.startsWith('1 ')),
    ['1 HEADERS 4', '1 DATA 0', '1 DATA 0', '1 HEADERS 5', '1 RST_STREAM 0'],
  );
  t.same(
    lines.filter((line) => line.startsWith('3 ')),
    ['3 HEADERS 4', '3 DATA 0', '3 DATA 0', '3 RST_STREAM 0'],
  );
  t.same(
    lines.filter((line) => line.startsWith('5 ')),
    ['5 HEADERS 4', '5 DATA 0', '5 RST_STREAM 0'],
  );
  t.same(
    streams.map(({ resets }) => resets),
    [[], [], []],
    'our own resets are not told to us',
  );
});

t.test('after our own reset nothing is told, also while it stands behind what waits', async (t) => {
  const { peer, streams } = harness('server');
  peer.sendPreface(setting(4, 5));
  peer.send(frame('HEADERS', END_HEADERS, 1, request));
  await peer.until(() => streams.length === 1);
  const { stream, events } = streams[0]!;
  stream.sendHeaders(RESPONSE, false);
  stream.sendData(Buffer.from('hello world'), true);
  stream.reset(ErrorCode.NO_ERROR);
  const before = [...events];
  peer.send(
    frame('DATA', 0, 1, Buffer.from('more')),
    frame('RST_STREAM', 0, 1, u32(ErrorCode.CANCEL)),
    frame('PING', 0, 0, Buffer.alloc(8)),
  );
  await peer.first('PING');
  t.same(events, before);
  t.equal(stream.isOpen, false);
});

t.test('H10 a reset by the peer drops what waits and tells the handler once', async (t) => {
  const { peer, streams, connection } = harness('server');
  peer.sendPreface(setting(4, 0));
  peer.send(frame('HEADERS', OPEN, 1, request));
  await peer.until(() => streams.length === 1);
  const { stream, resets } = streams[0]!;
  stream.sendHeaders(RESPONSE, false);
  stream.sendData(Buffer.alloc(10), true);
  peer.send(frame('RST_STREAM', 0, 1, u32(8)), frame('RST_STREAM', 0, 1, u32(8)), frame('PING', 0, 0, Buffer.alloc(8)));
  await peer.until(() => peer.of('PING').length === 1);
  t.same(resets, [{ code: 8, origin: 'peer' }]);
  t.equal(stream.isOpen, false);
  t.equal(connection.activeStreams, 0);
  t.equal(connection.isOpen, true);
});

t.test('a refused stream is told apart', async (t) => {
  const { peer, connection } = harness('client');
  const call = recorder(undefined);
  connection.openStream(call.handler)?.sendHeaders(REQUEST_HEADERS, true);
  await peer.first('HEADERS');
  peer.send(frame('SETTINGS', 0, 0), frame('RST_STREAM', 0, 1, u32(7)));
  await peer.until(() => call.events.length === 1);
  t.same(call.resets, [{ code: 7, origin: 'refused' }]);
});

t.test('content-length is held against the body', async (t) => {
  const { peer, streams } = harness('server');
  const declared = literals([...REQUEST, ['content-length', '4']]);
  peer.sendPreface();
  peer.send(
    frame('HEADERS', OPEN, 1, declared),
    frame('DATA', 1, 1, Buffer.from('abcd')),
    frame('HEADERS', OPEN, 3, declared),
    frame('DATA', 1, 3, Buffer.from('abc')),
    frame('HEADERS', OPEN, 5, declared),
    frame('DATA', 0, 5, Buffer.from('abcde')),
    frame('HEADERS', OVER, 7, declared),
    frame('HEADERS', OPEN, 9, declared),
    frame('HEADERS', OVER, 9, literals([['a', 'b']])),
  );
  await peer.until(() => peer.of('RST_STREAM').length === 4);
  t.same(
    peer.of('RST_STREAM').map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
    [
      [3, 1],
      [5, 1],
      [7, 1],
      [9, 1],
    ],
  );
  t.equal(streams[0]?.events.at(-1), 'data 4 END');
  t.same(streams[1]?.resets, [{ code: 1, origin: 'local' }]);
});

t.test('an answer to HEAD, and 304, have no body whatever content-length says', async (t) => {
  const { peer, connection } = harness('client');
  const calls = [recorder(undefined), recorder(undefined), recorder(undefined)];
  for (const [index, call] of calls.entries()) {
    const method = index === 0 ? 'HEAD' : 'GET';
    connection.openStream(call.handler)?.sendHeaders(headerBlock([[':method', method], ...REQUEST.slice(1)]), true);
  }
  await peer.until(() => peer.of('HEADERS').length === 3);
  const answer = (status: string): Buffer =>
    literals([
      [':status', status],
      ['content-length', '10'],
    ]);
  peer.send(
    frame('SETTINGS', 0, 0),
    frame('HEADERS', OVER, 1, answer('200')),
    frame('HEADERS', OVER, 3, answer('304')),
    frame('HEADERS', OVER, 5, answer('200')),
  );
  await peer.until(() => connection.activeStreams === 0);
  t.same(
    calls.map(({ events }) => events[0]),
    ['headers :status=200 content-length=10 END', 'headers :status=304 content-length=10 END', 'reset 1 local'],
  );
});

t.test('the peer limit of streams is kept, and onAvailable tells when one ends', async (t) => {
  const { peer, connection } = harness('client');
  const quiet = recorder(undefined).handler;
  const first = connection.openStream(quiet)!;
  first.sendHeaders(REQUEST_HEADERS, true);
  await peer.first('HEADERS');
  t.equal(connection.peerMaxConcurrentStreams, Number.POSITIVE_INFINITY);
  peer.send(frame('SETTINGS', 0, 0, setting(3, 1)));
  await peer.until(() => peer.of('SETTINGS').length === 2);
  t.equal(connection.peerMaxConcurrentStreams, 1);
  t.equal(connection.openStream(quiet), undefined);
  first.reset(ErrorCode.CANCEL);
  const second = connection.openStream(quiet);
  t.ok(second);
  t.equal(connection.openStream(quiet), undefined, 'a stream that has not begun has its slot');
  second?.reset(ErrorCode.CANCEL);
  t.equal(connection.activeStreams, 0);
  await peer.until(() => peer.of('RST_STREAM').length === 1);
  t.equal(peer.of('HEADERS').length, 1, 'what never began is not reset either');
});
