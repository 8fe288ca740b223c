import { once } from 'node:events';
import { connect as connectNet } from 'node:net';
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import {
  type CallOptions,
  type CallStatus,
  callUnary,
  encodeHealthRequest,
  encodeHealthResponse,
  HEALTH_CHECK_METHOD,
  type OpenStream,
  parseHealthResponse,
  startCall,
  type UnaryResult,
} from '../../src/grpc/index.ts';
import { createClientConnection, field, findField, headerBlock } from '../../src/http2/index.ts';
import type { Http2Stream, StreamHandler } from '../../src/http2/types.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type EchoServer, startEchoServer } from '../support/http2-echo.ts';

const asBytes = (value: Buffer): Buffer => value;
const codec = { requestSerialize: asBytes, requestDeserialize: asBytes, responseSerialize: asBytes, responseDeserialize: asBytes };

/** A real gRPC server with a health service and a bidirectional echo. */
async function grpcServer(t: Test): Promise<number> {
  const server = new Server();
  server.addService(
    {
      check: { path: HEALTH_CHECK_METHOD, requestStream: false, responseStream: false, ...codec },
      echo: { path: '/test.Echo/Both', requestStream: true, responseStream: true, ...codec },
    },
    {
      check: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        const [mood] = call.metadata.get('x-mood');
        if (mood === undefined) done(null, encodeHealthResponse(call.request.length === 0 ? 'SERVING' : 'NOT_SERVING'));
        else done({ code: 5, details: 'kein Däne da', metadata: new Metadata() });
      },
      echo: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  t.teardown(() => server.forceShutdown());
  return port;
}

async function opener(t: Test, port: number): Promise<OpenStream> {
  const socket = connectNet({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const connection = createClientConnection(
    socket,
    { clock: systemClock },
    {
      onStream: () => {
        throw new Error('a server opens no streams');
      },
      onClose: () => {},
    },
  );
  t.teardown(() => {
    connection.destroy();
    socket.destroy();
  });
  return (handler) => connection.openStream(handler);
}

const health: CallOptions = { method: HEALTH_CHECK_METHOD, authority: 'test', clock: systemClock };
const unary = (open: OpenStream, options: CallOptions, message: Buffer): Promise<UnaryResult> =>
  new Promise((resolve) => {
    callUnary(open, options, message, resolve);
  });

/** An answerer in place of a real server: what `answer` sends is all that comes. */
async function scripted(t: Test, answer: (stream: Http2Stream) => void): Promise<OpenStream> {
  const silent = (stream: Http2Stream): StreamHandler => ({
    onHeaders: () => answer(stream),
    onData: (chunk) => stream.credit(chunk.length),
    onTrailers() {},
    onReset() {},
    onDrain() {},
  });
  const server: EchoServer = await startEchoServer({}, silent);
  t.teardown(() => server.close());
  return opener(t, server.port);
}

const OK = headerBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);

t.test('unary calls to a real server', async (t) => {
  const open = await opener(t, await grpcServer(t));
  const [whole, named] = await Promise.all([
    unary(open, health, encodeHealthRequest('')),
    unary(open, health, encodeHealthRequest('some')),
  ]);
  t.equal(whole.kind === 'answer' && parseHealthResponse(whole.message), 'SERVING');
  t.equal(named.kind === 'answer' && parseHealthResponse(named.message), 'NOT_SERVING');
  const failed = await unary(open, { ...health, metadata: [field('x-mood', 'bad')] }, encodeHealthRequest(''));
  t.match(failed, { kind: 'failed', status: { code: 5, message: 'kein Däne da' } });
  const unknown = await unary(open, { ...health, method: '/test.Echo/Nothing' }, Buffer.alloc(0));
  t.match(unknown, { kind: 'failed', status: { code: 12 } });
});

t.test('a bidirectional call to a real server carries large messages both ways', async (t) => {
  const open = await opener(t, await grpcServer(t));
  const messages = [Buffer.from('small'), Buffer.alloc(3_000_000, 'x'), Buffer.alloc(0), Buffer.alloc(100_000, 'y')];
  const received: Buffer[] = [];
  const status = await new Promise<CallStatus>((resolve) => {
    const call = startCall(
      open,
      { ...health, method: '/test.Echo/Both', timeoutMs: 20_000 },
      {
        onMessage: (message) => {
          received.push(message);
          if (received.length === messages.length) call?.end();
        },
        onEnd: resolve,
      },
    );
    for (const message of messages) call?.send(message);
  });
  t.equal(status.code, 0);
  t.same(
    received.map((message, index) => message.equals(messages[index]!)),
    [true, true, true, true],
  );
});

t.test('what is wrong with an answer becomes a status', async (t) => {
  const cases: readonly [name: string, answer: (stream: Http2Stream) => void, code: number, message: RegExp][] = [
    ['http', (stream) => stream.sendHeaders(headerBlock([[':status', '503']]), true), 14, /http status 503/],
    [
      'no grpc',
      (stream) =>
        stream.sendHeaders(
          headerBlock([
            [':status', '404'],
            ['content-type', 'text/html'],
          ]),
          false,
        ),
      12,
      /http status 404/,
    ],
    ['no status', (stream) => [stream.sendHeaders(OK, false), stream.sendTrailers(headerBlock([['x', 'y']]))], 2, /without grpc-status/],
    ['no trailers', (stream) => [stream.sendHeaders(OK, false), stream.sendData(Buffer.alloc(5), true)], 2, /without grpc-status/],
    [
      'cut',
      (stream) => [
        stream.sendHeaders(OK, false),
        stream.sendData(Buffer.from([0, 0, 0, 0, 2, 1]), false),
        stream.sendTrailers(headerBlock([['grpc-status', '0']])),
      ],
      13,
      /inside a message/,
    ],
    ['compressed', (stream) => [stream.sendHeaders(OK, false), stream.sendData(Buffer.from([1, 0, 0, 0, 0]), false)], 13, /compressed/],
    [
      'too large',
      (stream) => [stream.sendHeaders(OK, false), stream.sendData(Buffer.from([0, 0, 1, 0, 0]), false)],
      8,
      /65536 bytes, at most 1000/,
    ],
    ['twice', (stream) => [stream.sendHeaders(OK, false), stream.sendData(Buffer.alloc(10), false)], 13, /more than one answer/],
    ['reset', (stream) => stream.reset(11), 8, /ENHANCE_YOUR_CALM/],
    ['none', (stream) => [stream.sendHeaders(OK, false), stream.sendTrailers(headerBlock([['grpc-status', '0']]))], 13, /no answer/],
  ];
  for (const [name, answer, code, message] of cases) {
    const open = await scripted(t, answer);
    const result = await unary(open, { ...health, maxMessageBytes: 1000 }, Buffer.alloc(0));
    t.match(result, { kind: 'failed', status: { code, message } }, name);
  }
});

t.test('a deadline is sent, and kept when nobody answers', async (t) => {
  const clock = new FakeClock();
  const seen = Promise.withResolvers<string | undefined>();
  const reset = Promise.withResolvers<number>();
  const server = await startEchoServer({}, () => ({
    onHeaders: (headers) => seen.resolve(findField(headers, 'grpc-timeout')?.value),
    onData() {},
    onTrailers() {},
    onReset: ({ code }) => reset.resolve(code),
    onDrain() {},
  }));
  t.teardown(() => server.close());
  const open = await opener(t, server.port);
  const result = unary(open, { ...health, clock, timeoutMs: 250 }, Buffer.alloc(0));
  t.equal(await seen.promise, '250000u');
  await clock.advance(250);
  t.match(await result, { kind: 'failed', status: { code: 4, message: 'no answer in 250 ms' } });
  t.equal(await reset.promise, 8, 'CANCEL reached the server');
  t.equal(clock.pending, 0);
});

t.test('no connection, and a cancelled call', async (t) => {
  t.match(await unary(() => undefined, health, Buffer.alloc(0)), { kind: 'failed', status: { code: 14 } });
  const open = await scripted(t, (stream) => stream.sendHeaders(OK, true));
  const call = callUnary(open, health, Buffer.alloc(0), () => t.fail('a cancelled call has no result'));
  call.cancel();
  await unary(open, health, Buffer.alloc(0));
});
