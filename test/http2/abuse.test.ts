import t, { type Test } from 'tap';
import { createCodecStats, ErrorCode, type Http2CodecStats, headerBlock } from '../../src/http2/index.ts';
import type { Http2Options } from '../../src/http2/types.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { END_HEADERS, END_STREAM, frame, type Harness, harness, literals, REQUEST, setting, u32 } from '../support/http2-raw.ts';

const OVER = END_HEADERS | END_STREAM;
const request = literals(REQUEST);
const repeat = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
const withFields = (...fields: [string, string][]): Buffer => literals([...REQUEST, ...fields]);

function server(options: Http2Options = {}, clock = new FakeClock()): Harness & { stats: Http2CodecStats } {
  const stats = createCodecStats();
  const made = harness('server', { ...options, stats, clock });
  made.peer.sendPreface();
  return { ...made, stats };
}

/** The connection ends with `code`, and counts it as `counter`. */
async function endsWith(
  t: Test,
  sent: Buffer,
  code: number,
  counter?: keyof Http2CodecStats,
  options: Http2Options = {},
): Promise<Harness> {
  const made = server(options);
  made.peer.send(sent);
  t.equal(await made.peer.ending(), code, t.name);
  if (counter !== undefined) t.equal(made.stats[counter].value, 1, counter);
  t.equal(made.closings.length, 1);
  return made;
}

/** The connection goes on: a ping behind everything is answered. */
async function goesOn(made: Harness, sent: Buffer): Promise<void> {
  const mark = Buffer.from('the end!');
  made.peer.send(sent, frame('PING', 0, 0, mark));
  await made.peer.until(() => made.peer.of('PING').some(({ payload }) => payload.equals(mark)));
}

const opened = (id: number): Buffer => frame('HEADERS', END_HEADERS, id, request);
const cancelled = (id: number): Buffer => frame('RST_STREAM', 0, id, u32(8));
const rapid = (count: number, from = 0): Buffer =>
  repeat(count, (index) => Buffer.concat([opened((from + index) * 2 + 1), cancelled((from + index) * 2 + 1)]));

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(test: () => boolean): Promise<void> {
  while (!test()) await nextTurn();
}

t.test('H8 rapid reset: a reset right behind its request counts twice', async (t) => {
  const made = await endsWith(t, rapid(600), ErrorCode.ENHANCE_YOUR_CALM, 'tooManyPrematureResets');
  t.equal(made.streams.length, 513, 'half of the streams that may be open, and one');
});

t.test('H8 a peer that makes us reset its requests (CVE-2025-8671) is no better than one that resets them', async (t) => {
  const madeToReset = (index: number): Buffer => Buffer.concat([opened(index * 2 + 1), frame('WINDOW_UPDATE', 0, index * 2 + 1, u32(0))]);
  const made = await endsWith(t, repeat(600, madeToReset), ErrorCode.ENHANCE_YOUR_CALM, 'tooManyPrematureResets');
  t.equal(made.streams.length, 513);
  t.same(made.streams[0]?.resets, [{ code: 1, origin: 'local' }]);
});

t.test('H8 a SETTINGS frame of more entries than anybody needs', async (t) => {
  const entries = (count: number): Buffer =>
    frame(
      'SETTINGS',
      0,
      0,
      repeat(count, (index) => setting(4, index)),
    );
  const made = server();
  await goesOn(made, entries(32));
  made.peer.send(entries(33));
  t.equal(await made.peer.ending(), ErrorCode.ENHANCE_YOUR_CALM);
});

t.test('H8 rapid reset, in reads of its own and with a request between', async (t) => {
  const made = server();
  made.peer.send(opened(1));
  for (let index = 0; index < 1026; index += 1) {
    made.peer.send(opened(index * 2 + 3));
    await until(() => made.streams.length === index + 2);
    made.peer.send(cancelled(index * 2 + 1));
    await until(() => made.streams[index]?.resets.length === 1);
  }
  t.equal(await made.peer.ending(), ErrorCode.ENHANCE_YOUR_CALM);
  t.equal(made.stats.tooManyPrematureResets.value, 1);
});

t.test('all that may be open at once may be cancelled at once, every second', async (t) => {
  const clock = new FakeClock();
  const made = server({}, clock);
  for (let round = 0; round < 5; round += 1) {
    const ids = Array.from({ length: 1024 }, (_, index) => (round * 1024 + index) * 2 + 1);
    made.peer.send(...ids.map(opened));
    await until(() => made.streams.length === (round + 1) * 1024);
    await clock.advance(1000);
    made.peer.send(...ids.map(cancelled));
    await until(() => made.streams.at(-1)?.resets.length === 1);
  }
  t.equal(made.connection.isOpen, true);
  t.equal(made.stats.tooManyPrematureResets.value, 0);
});

t.test('400 cancels right behind their requests are no abuse', async (t) => {
  const made = server();
  await goesOn(made, rapid(400));
  t.equal(made.stats.tooManyPrematureResets.value, 0);
});

t.test('a small limit of open streams leaves room for cancels', async (t) => {
  const made = server({ maxConcurrentStreams: 10 });
  await goesOn(made, rapid(400));
  await endsWith(t, rapid(501), ErrorCode.ENHANCE_YOUR_CALM, 'tooManyPrematureResets', { maxConcurrentStreams: 10 });
});

t.test('completed streams make up for those that were reset', async (t) => {
  const stats = createCodecStats();
  const mixed = harness('server', { stats, clock: new FakeClock() }, (stream) => ({
    onHeaders: () => stream.id % 6 !== 1 && stream.sendHeaders(headerBlock([[':status', '200']]), true),
    onData() {},
    onTrailers() {},
    onReset() {},
    onDrain() {},
  }));
  mixed.peer.sendPreface();
  await goesOn(
    mixed,
    repeat(6000, (index) => Buffer.concat([frame('HEADERS', OVER, index * 2 + 1, request), cancelled(index * 2 + 1)])),
  );
  t.equal(stats.tooManyPrematureResets.value, 0);
});

t.test('H4 who sends requests and never reads the answers is cut', async (t) => {
  const stats = createCodecStats();
  const made = harness('server', { stats, maxOutboundFrames: 100 }, (stream) => ({
    onHeaders: () =>
      stream.sendHeaders(
        headerBlock([
          [':status', '200'],
          ['x-long', String(stream.id).padStart(1000, 'v')],
        ]),
        true,
      ),
    onData() {},
    onTrailers() {},
    onReset() {},
    onDrain() {},
  }));
  made.peer.sendPreface();
  made.peer.pause();
  for (let index = 0; index < 300 && made.connection.isOpen; index += 1) {
    made.peer.send(frame('HEADERS', OVER, index * 2 + 1, request));
    await nextTurn();
  }
  t.equal(made.connection.isOpen, false);
  t.equal(stats.outboundFlood.value, 1);
  made.peer.resume();
  t.equal(await made.peer.ending(), ErrorCode.ENHANCE_YOUR_CALM);
});

t.test('H1 streams beyond the limit are refused, their headers still decoded', async (t) => {
  const made = server({ maxConcurrentStreams: 2 });
  const indexed = Buffer.concat([literals(REQUEST), Buffer.from('400378756e0161', 'hex')]);
  await goesOn(
    made,
    Buffer.concat([
      repeat(2, (index) => frame('HEADERS', END_HEADERS, index * 2 + 1, request)),
      frame('HEADERS', END_HEADERS, 5, indexed),
      frame('DATA', END_STREAM, 5, Buffer.from('body')),
    ]),
  );
  t.same(
    made.peer.of('RST_STREAM').map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
    [[5, 7]],
  );
  t.equal(made.stats.streamRefusedErrors.value, 1);
  made.streams[0]?.stream.reset(ErrorCode.CANCEL);
  await goesOn(made, frame('HEADERS', OVER, 7, Buffer.concat([request, Buffer.from('be', 'hex')])));
  t.match(made.streams[2]?.events[0], /xun=a END$/);
});

t.test('H8 CONTINUATION floods: pieces, empty pieces, octets', async (t) => {
  const begin = frame('HEADERS', 0, 1, request);
  await endsWith(
    t,
    Buffer.concat([begin, repeat(4000, () => frame('CONTINUATION', 0, 1, literals([['a', 'b'.repeat(30)]])))]),
    11,
    'headerOverflow',
  );
  await endsWith(t, Buffer.concat([begin, repeat(5, () => frame('CONTINUATION', 0, 1))]), 11, 'inboundEmptyFramesFlood');
  await endsWith(t, Buffer.concat([begin, repeat(30, () => frame('CONTINUATION', 0, 1, Buffer.alloc(16_000)))]), 11, 'headerOverflow');
});

t.test('H8 floods of frames that ask for answers', async (t) => {
  await endsWith(
    t,
    repeat(3000, () => frame('PING', 0, 0, Buffer.alloc(8))),
    11,
    'outboundControlFlood',
  );
  await endsWith(
    t,
    repeat(3000, () => frame('SETTINGS', 0, 0)),
    11,
    'outboundControlFlood',
  );
});

t.test('a ping with every message is no flood', async (t) => {
  const made = server();
  for (let index = 0; index < 3000; index += 1) {
    made.peer.send(frame('PING', 0, 0, u32(index, 0)));
    if (index % 100 === 99) await made.peer.until(() => made.peer.of('PING').length === index + 1);
  }
  t.equal(made.connection.isOpen, true);
});

t.test('H8 floods of frames that do nothing', async (t) => {
  const open = frame('HEADERS', END_HEADERS, 1, request);
  await endsWith(t, Buffer.concat([open, repeat(3, () => frame('DATA', 0, 1))]), 11, 'inboundEmptyFramesFlood');
  await endsWith(
    t,
    Buffer.concat([open, repeat(500, () => frame('PRIORITY', 0, 1, Buffer.from([0, 0, 0, 0, 1])))]),
    11,
    'inboundPriorityFramesFlood',
  );
  await endsWith(t, Buffer.concat([open, repeat(500, () => frame('WINDOW_UPDATE', 0, 1, u32(1)))]), 11, 'inboundWindowUpdateFramesFlood');
  await goesOn(server(), Buffer.concat([open, frame('DATA', 0, 1), frame('DATA', 0, 1, Buffer.from('x')), frame('DATA', END_STREAM, 1)]));
});

t.test('H8 header lists that are too long or too many end their stream', async (t) => {
  const long = server();
  // 20 references to one entry of 3.5 KB are 70 KB decoded.
  const bomb = Buffer.concat([request, Buffer.from('4001787f951a', 'hex'), Buffer.alloc(3476, 'a'), Buffer.alloc(20, 0xbe)]);
  await goesOn(
    long,
    Buffer.concat([frame('HEADERS', OVER, 1, bomb), frame('HEADERS', OVER, 3, Buffer.concat([request, Buffer.from('be', 'hex')]))]),
  );
  t.same(
    long.peer.of('RST_STREAM').map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
    [[1, 2]],
  );
  t.equal(long.stats.headerListSizeTooLarge.value, 1);
  t.equal(long.streams.length, 1, 'the next one finds the table as it should be');
  const many = server();
  const fields = (count: number): [string, string][] => Array.from({ length: count }, (_, index) => [`x-${index}`, '1']);
  await goesOn(
    many,
    Buffer.concat([frame('HEADERS', OVER, 1, withFields(...fields(97))), frame('HEADERS', OVER, 3, withFields(...fields(96)))]),
  );
  t.same(
    many.peer.of('RST_STREAM').map(({ streamId }) => streamId),
    [1],
  );
});

const MALFORMED: readonly [name: string, block: Buffer][] = [
  ['zero-length name', withFields(['', 'x'])],
  ['upper-case name', withFields(['X-Upper', 'x'])],
  ['blank in name', withFields(['a b', 'x'])],
  ['NUL in value', withFields(['a', 'x\0y'])],
  ['line break in value', withFields(['a', 'x\r\ny: z'])],
  ['connection', withFields(['connection', 'close'])],
  ['transfer-encoding', withFields(['transfer-encoding', 'chunked'])],
  ['te: gzip', withFields(['te', 'gzip'])],
  ['content-length -1', withFields(['content-length', '-1'])],
  ['two content-length', withFields(['content-length', '1'], ['content-length', '2'])],
  ['no :path', literals(REQUEST.filter(([name]) => name !== ':path'))],
  ['no :method', literals(REQUEST.filter(([name]) => name !== ':method'))],
  ['no :scheme', literals(REQUEST.filter(([name]) => name !== ':scheme'))],
  ['no :authority and no host', literals(REQUEST.filter(([name]) => name !== ':authority'))],
  ['two :path', withFields([':path', '/'])],
  ['the path * of POST', literals(REQUEST.map(([name, value]) => [name, name === ':path' ? '*' : value] as const))],
  ['unknown pseudo-header', withFields([':nope', '1'])],
  [':status in a request', withFields([':status', '200'])],
  ['pseudo behind regular', literals([['a', 'b'], ...REQUEST])],
  ['path without slash', literals(REQUEST.map(([name, value]) => [name, name === ':path' ? 'x' : value] as const))],
  ['path with blank', literals(REQUEST.map(([name, value]) => [name, name === ':path' ? '/a b' : value] as const))],
  ['userinfo', literals(REQUEST.map(([name, value]) => [name, name === ':authority' ? 'me@host' : value] as const))],
  ['blank in :authority', literals(REQUEST.map(([name, value]) => [name, name === ':authority' ? 'a b' : value] as const))],
  [':protocol', withFields([':protocol', 'websocket'])],
];

for (const [name, block] of MALFORMED) {
  t.test(`H9 malformed: ${name}`, async (t) => {
    await endsWith(t, frame('HEADERS', OVER, 1, block), ErrorCode.PROTOCOL_ERROR, 'rxMessagingError');
    const lenient = server({ streamErrorOnInvalidMessage: true });
    await goesOn(lenient, frame('HEADERS', OVER, 1, block));
    t.same(
      lenient.peer.of('RST_STREAM').map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
      [[1, 1]],
    );
    t.equal(lenient.streams.length, 0);
  });
}

t.test('what looks odd but is allowed', async (t) => {
  const made = server();
  const blocks = [
    withFields(['host', 'other']),
    literals([...REQUEST.filter(([name]) => name !== ':authority'), ['host', 'a']]),
    literals([
      [':method', 'OPTIONS'],
      [':scheme', 'ftp'],
      [':path', '*'],
      [':authority', '[::1]:80'],
    ]),
    literals([
      [':method', 'CONNECT'],
      [':authority', 'a:1'],
    ]),
    withFields(['te', 'trailers'], ['x_under', 'a\tb\xff']),
  ];
  await goesOn(made, Buffer.concat(blocks.map((block, index) => frame('HEADERS', END_HEADERS, index * 2 + 1, block))));
  t.equal(made.streams.length, blocks.length);
});

t.test('faults of the connection, each with its code', async (t) => {
  const open = frame('HEADERS', END_HEADERS, 1, request);
  const faults: readonly [name: string, sent: Buffer, code: number][] = [
    ['connection window overflow', frame('WINDOW_UPDATE', 0, 0, u32(0x7fff_ffff)), 3],
    ['increment 0', frame('WINDOW_UPDATE', 0, 0, u32(0)), 1],
    ['frame too long', frame('DATA', 0, 1, Buffer.alloc(16_385)), 6],
    ['even stream id', frame('HEADERS', OVER, 2, request), 1],
    ['PUSH_PROMISE', frame('PUSH_PROMISE', 4, 1, u32(2)), 1],
    ['DATA on an idle stream', frame('DATA', 0, 3, Buffer.from('x')), 1],
    ['RST_STREAM on an idle stream', frame('RST_STREAM', 0, 3, u32(8)), 1],
    ['RST_STREAM of a wrong length', Buffer.concat([open, frame('RST_STREAM', 0, 1, Buffer.alloc(3))]), 6],
    ['lower stream id', Buffer.concat([frame('HEADERS', OVER, 5, request), frame('HEADERS', OVER, 3, request)]), 1],
    ['another frame inside a block', Buffer.concat([frame('HEADERS', 0, 1, request), frame('PING', 0, 0, Buffer.alloc(8))]), 1],
    ['CONTINUATION of nothing', frame('CONTINUATION', 4, 1, request), 1],
    ['ENABLE_PUSH 2', frame('SETTINGS', 0, 0, setting(2, 2)), 1],
    ['INITIAL_WINDOW_SIZE 2^31', frame('SETTINGS', 0, 0, setting(4, 0x8000_0000)), 3],
    ['MAX_FRAME_SIZE 100', frame('SETTINGS', 0, 0, setting(5, 100)), 1],
    ['SETTINGS of 5 octets', frame('SETTINGS', 0, 0, Buffer.alloc(5)), 6],
    ['SETTINGS ACK with payload', frame('SETTINGS', 1, 0, Buffer.alloc(6)), 6],
    ['PING of 7 octets', frame('PING', 0, 0, Buffer.alloc(7)), 6],
    ['GOAWAY of 4 octets', frame('GOAWAY', 0, 0, u32(0)), 6],
    ['PING on a stream', frame('PING', 0, 1, Buffer.alloc(8)), 1],
    ['HEADERS that depends on itself', frame('HEADERS', OVER | 0x20, 1, Buffer.concat([u32(1), Buffer.from([1]), request])), 1],
    ['bad index', frame('HEADERS', OVER, 1, Buffer.from('ff', 'hex')), 9],
    ['padding beyond the frame', frame('HEADERS', OVER | 8, 1, Buffer.from([9, 0x82])), 1],
  ];
  for (const [name, sent, code] of faults) {
    const made = server();
    made.peer.send(sent);
    t.equal(await made.peer.ending(), code, name);
  }
});

t.test('faults of one stream leave the connection', async (t) => {
  const made = server();
  const open = (id: number): Buffer => frame('HEADERS', END_HEADERS, id, request);
  await goesOn(
    made,
    Buffer.concat([
      ...[1, 3, 5, 7, 9].map(open),
      frame('WINDOW_UPDATE', 0, 1, u32(0)),
      frame('WINDOW_UPDATE', 0, 3, u32(0x7fff_ffff)),
      frame('HEADERS', END_HEADERS, 5, literals([['a', 'b']])),
      frame('PRIORITY', 0, 7, u32(7, 0).subarray(0, 5)),
      frame('DATA', END_STREAM, 9, Buffer.from('x')),
      frame('DATA', END_STREAM, 9, Buffer.from('x')),
    ]).subarray(0),
  ).catch(() => {});
  t.equal(made.connection.isOpen, false, 'trailers without END_STREAM are a malformed message');
  const lenient = server({ streamErrorOnInvalidMessage: true });
  await goesOn(
    lenient,
    Buffer.concat([
      ...[1, 3, 5, 7, 9].map(open),
      frame('WINDOW_UPDATE', 0, 1, u32(0)),
      frame('WINDOW_UPDATE', 0, 3, u32(0x7fff_ffff)),
      frame('HEADERS', END_HEADERS, 5, literals([['a', 'b']])),
      frame('PRIORITY', 0, 7, u32(7, 0).subarray(0, 5)),
      frame('DATA', END_STREAM, 9, Buffer.from('x')),
      frame('DATA', END_STREAM, 9, Buffer.from('x')),
      frame(0x42, 0xff, 1, Buffer.from('an unknown type is ignored')),
      frame('DATA', 0, 1, Buffer.from('late data of a stream we reset')),
    ]),
  );
  t.same(
    lenient.peer.of('RST_STREAM').map(({ streamId, payload }) => [streamId, payload.readUInt32BE()]),
    [
      [1, 1],
      [3, 3],
      [5, 1],
      [7, 1],
      [9, 5],
    ],
  );
});
