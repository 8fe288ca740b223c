import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
} from 'node:http2';
import { type AddressInfo, connect as connectNet, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { createClientConnection, ErrorCode, findField, headerBlock } from '../../src/http2/index.ts';
import type { Http2Connection, Http2Stream } from '../../src/http2/types.ts';
import { type EchoServer, startEchoServer } from '../support/http2-echo.ts';
import { recorder } from '../support/http2-raw.ts';

const MIB = 1_048_576;
const roomy = { maxSessionMemory: 400 };

function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 31 + (index >> 9) + seed) & 0xff;
  return bytes;
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request of node:http2, to its end. */
async function exchange(stream: ClientHttp2Stream, body: Buffer | undefined): Promise<Answer> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (received) => {
    headers = received;
  });
  stream.on('trailers', (received) => {
    trailers = received;
  });
  stream.end(body);
  const chunks = (await stream.toArray()) as Buffer[];
  return { headers, trailers, body: Buffer.concat(chunks) };
}

async function nodeClient(t: Test, server: EchoServer): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${server.port}`, roomy);
  session.on('error', () => {});
  await once(session, 'connect');
  t.teardown(() => session.destroy());
  return session;
}

async function echoServer(t: Test): Promise<EchoServer> {
  const server = await startEchoServer();
  t.teardown(() => server.close());
  return server;
}

t.test('node client, our server: 16 MiB both ways, trailers, empty bodies', async (t) => {
  const session = await nodeClient(t, await echoServer(t));
  const body = pattern(16 * MIB, 1);
  const [large, empty] = await Promise.all([
    exchange(session.request({ ':method': 'POST', ':path': '/large' }), body),
    exchange(session.request({ ':path': '/empty' }), undefined),
  ]);
  t.equal(large.headers[':status'], 200);
  t.equal(large.trailers['grpc-status'], '0');
  t.ok(large.body.equals(body));
  t.equal(empty.body.toString(), 'hello http/2');
});

t.test('node client, our server: 500 streams at once on one connection', async (t) => {
  const session = await nodeClient(t, await echoServer(t));
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, index) =>
      exchange(session.request({ ':method': 'POST', ':path': `/${index}`, 'x-n': String(index) }), pattern(index * 37, index)),
    ),
  );
  const wrong = answers.filter(({ body, trailers }, index) => !body.equals(pattern(index * 37, index)) || trailers['grpc-status'] !== '0');
  t.equal(wrong.length, 0);
});

t.test('node client, our server: resets, pings, a drain', async (t) => {
  const server = await echoServer(t);
  const session = await nodeClient(t, server);
  const cancelled = session.request({ ':method': 'POST', ':path': '/' });
  cancelled.on('error', () => {});
  await once(cancelled, 'response');
  cancelled.close(constants.NGHTTP2_CANCEL);
  await once(cancelled, 'close');
  const [connection] = server.connections;
  const roundTripMs = await new Promise<number>((resolve) => {
    session.ping(() => connection!.ping(resolve));
  });
  t.ok(roundTripMs > 0);
  t.equal(connection!.activeStreams, 0);
  const last = session.request({ ':method': 'POST', ':path': '/' });
  await once(last, 'response');
  const drained = connection!.drain(5000);
  await once(session, 'goaway');
  t.equal((await exchange(last, Buffer.from('end'))).body.toString(), 'end');
  await drained;
  t.same(server.closings, [undefined]);
});

async function nodeServer(
  t: Test,
  onStream: Parameters<Http2Server['on']>[1],
): Promise<{ connection: Http2Connection; closings: (Error | undefined)[] }> {
  const server = createServer(roomy);
  server.on('stream', onStream as (...args: unknown[]) => void);
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket: Socket = connectNet((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const closings: (Error | undefined)[] = [];
  const connection = createClientConnection(
    socket,
    { clock: systemClock },
    {
      onStream: () => {
        throw new Error('a server opens no streams');
      },
      onClose: (error) => closings.push(error),
    },
  );
  t.teardown(() => {
    connection.destroy();
    socket.destroy();
    server.close();
  });
  return { connection, closings };
}

const requestOf = (path: string) =>
  headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test'],
    ['x-path', path],
  ]);

/** One request of ours, to its end, minding `sendData`. */
function call(
  connection: Http2Connection,
  path: string,
  body: Buffer,
): Promise<{ body: Buffer; trailer: string | undefined; status: string | undefined }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status: string | undefined;
    let at = 0;
    const pump = (): void => {
      let goesOn = true;
      while (goesOn && at < body.length) {
        const end = Math.min(at + 50_000, body.length);
        goesOn = stream.sendData(body.subarray(at, end), end === body.length);
        at = end;
      }
    };
    const stream = connection.openStream({
      onHeaders: (headers) => {
        status = findField(headers, ':status')?.value;
      },
      onData: (chunk) => {
        chunks.push(Buffer.from(chunk));
        stream.credit(chunk.length);
      },
      onTrailers: (trailers) => resolve({ body: Buffer.concat(chunks), trailer: findField(trailers, 'x-sum')?.value, status }),
      onReset: (reset) => reject(new Error(`reset ${reset.code} ${reset.origin}`)),
      onDrain: pump,
    }) as Http2Stream;
    stream.sendHeaders(requestOf(path), body.length === 0);
    pump();
  });
}

t.test('our client, node server: bodies both ways, many at once, informational answers', async (t) => {
  const { connection } = await nodeServer(t, ((stream: import('node:http2').ServerHttp2Stream) => {
    stream.additionalHeaders({ ':status': 103 });
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'done' }));
    stream.pipe(stream);
  }) as never);
  const body = pattern(16 * MIB, 7);
  const [large, ...small] = await Promise.all([
    call(connection, '/large', body),
    ...Array.from({ length: 200 }, (_, index) => call(connection, `/${index}`, pattern(index * 101, index))),
  ]);
  t.ok(large.body.equals(body));
  t.equal(large.trailer, 'done');
  t.equal(large.status, '200');
  t.equal(small.filter((answer, index) => !answer.body.equals(pattern(index * 101, index))).length, 0);
  t.equal(connection.activeStreams, 0);
});

t.test('our client, node server: reset by the server, GOAWAY, the end', async (t) => {
  const { connection, closings } = await nodeServer(t, ((stream: import('node:http2').ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    if (headers[':path'] === '/reset') stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else {
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
      stream.respond({ ':status': 204 }, { endStream: true });
    }
  }) as never);
  const reset = recorder(undefined);
  connection.openStream(reset.handler)?.sendHeaders(requestOf('/reset'), true);
  await t.rejects(call(connection, '/reset', Buffer.alloc(10)), { message: 'reset 11 peer' });
  t.same(reset.resets, [{ code: ErrorCode.ENHANCE_YOUR_CALM, origin: 'peer' }]);
  const last = recorder(undefined);
  const ended = new Promise<void>((resolve) => {
    const handler = { ...last.handler, onHeaders: () => resolve() };
    connection.openStream(handler)?.sendHeaders(requestOf('/'), true);
  });
  await ended;
  while (connection.isOpen) await new Promise(setImmediate);
  t.same(closings, [undefined]);
});
