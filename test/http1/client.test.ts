// Connections to servers: one exchange at a time, used again, and what ends them.
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { parseHostPort } from '../../src/core/index.ts';
import { createHttp1Client } from '../../src/http1/index.ts';
import type { Http1ClientConnection, Http1Options } from '../../src/http1/types.ts';
import { headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock, Http2Stream, StreamHandler, StreamReset } from '../../src/http2/types.ts';
import { Changes } from '../support/changes.ts';
import { plainResponse, type RawBackend, type RawRequest, startRawBackend } from '../support/http1-raw.ts';

interface Bench {
  readonly client: Http1ClientConnection;
  readonly socket: Socket;
  readonly backend: RawBackend;
  readonly events: string[];
  until(test: () => boolean): Promise<void>;
  ask(headers: readonly (readonly [string, string])[], endStream?: boolean): Asked;
}

/** One exchange and what came of it. */
class Asked implements StreamHandler {
  stream!: Http2Stream;
  headers: HeaderBlock | undefined;
  readonly informational: string[] = [];
  body = '';
  trailers: HeaderBlock = [];
  ended = false;
  reset: StreamReset | undefined;
  isGreedy = true;
  readonly #wake: () => void;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  onHeaders(headers: HeaderBlock, endStream: boolean): void {
    this.headers = headers;
    this.ended = endStream;
    this.#wake();
  }

  onInformational(headers: HeaderBlock): void {
    this.informational.push(headers[0]?.value ?? '');
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.body += chunk.toString('latin1');
    this.ended = endStream;
    if (this.isGreedy) this.stream.credit(chunk.length);
    this.#wake();
  }

  onTrailers(trailers: HeaderBlock): void {
    this.trailers = trailers;
    this.ended = true;
    this.#wake();
  }

  onReset(reset: StreamReset): void {
    this.reset = reset;
    this.#wake();
  }

  onDrain(): void {
    this.#wake();
  }
}

const GET = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
] as const;
const POST = [[':method', 'POST'], ...GET.slice(1)] as const;

async function start(t: Test, answer: (request: RawRequest, socket: Socket) => string | null, options: Http1Options = {}): Promise<Bench> {
  const backend = await startRawBackend(answer);
  const socket = connect({ ...parseHostPort(backend.address), noDelay: true });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const events: string[] = [];
  const { wake, until } = new Changes();
  const note = (event: string) => (): void => {
    events.push(event);
    wake();
  };
  const client = createHttp1Client(socket, options, {
    onAvailable: note('available'),
    onCloseNotify: note('close notify'),
    onProtocolError: note('protocol error'),
    onClose: note('closed'),
  });
  t.after(async () => {
    socket.destroy();
    await backend.stop();
  });
  return {
    client,
    socket,
    backend,
    events,
    until,
    ask: (headers, endStream = true) => {
      const asked = new Asked(wake);
      const stream = client.openStream(asked);
      if (!stream) throw new Error('the connection takes no exchange');
      asked.stream = stream;
      stream.sendHeaders(headerBlock(headers), endStream);
      return asked;
    },
  };
}

const text = (block: HeaderBlock | undefined): string[] => (block ?? []).map(({ name, value }) => `${name}=${value}`);

t.test('exchanges follow each other on one connection', async (t) => {
  const bench = await start(t, ({ line }) => plainResponse(line, 'X-Up: v\r\nConnection: keep-alive\r\n'));
  for (let i = 0; i < 5; i += 1) {
    t.ok(bench.client.acceptsStreams);
    const asked = bench.ask(GET);
    t.equal(bench.client.openStream(asked), undefined, 'one at a time');
    await bench.until(() => bench.events.length === i + 1);
    t.same(text(asked.headers), [':status=200', 'content-length=14', 'x-up=v']);
    t.equal(asked.body, 'GET / HTTP/1.1');
    t.equal(asked.stream.isOpen, false);
  }
  t.equal(bench.backend.connections(), 1);
  t.same(bench.backend.requests[4]?.headers, { host: 'a' }, 'nothing is added');
  t.ok(bench.client.bytesRead > 0 && bench.client.bytesWritten > 0);
  bench.client.destroy();
  await bench.until(() => bench.events.at(-1) === 'closed');
  t.notOk(bench.client.acceptsStreams);
});

t.test('bodies both ways: chunked, declared, trailers if they are wanted', async (t) => {
  const reply = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n';
  const bench = await start(t, () => reply, { trailers: true });
  const chunked = bench.ask(POST, false);
  chunked.stream.sendData(Buffer.from('one'), false);
  chunked.stream.sendData(Buffer.alloc(0), false);
  chunked.stream.sendTrailers(headerBlock([['x-r', '2']]));
  await bench.until(() => bench.events.length === 1);
  t.equal(bench.backend.requests[0]?.rawBody, '3\r\none\r\n0\r\nx-r: 2\r\n\r\n');
  t.same([chunked.body, ...text(chunked.trailers)], ['abc', 'x-t=1']);
  const sized = bench.ask([...POST, ['content-length', '3']], false);
  sized.stream.sendData(Buffer.from('two'), true);
  await bench.until(() => bench.events.length === 2);
  t.same([bench.backend.requests[1]?.headers, bench.backend.requests[1]?.rawBody], [{ host: 'a', 'content-length': '3' }, 'two']);
  const deleted = bench.ask([[':method', 'DELETE'], ...GET.slice(1)], false);
  deleted.stream.sendData(Buffer.from('x'), true);
  await bench.until(() => bench.events.length === 3);
  t.match(bench.backend.requests[2], { line: 'DELETE / HTTP/1.1', rawBody: '1\r\nx\r\n0\r\n\r\n' }, 'a body is always framed');
});

t.test('responses without a body, and until the end of the connection', async (t) => {
  const replies = [
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n',
  ];
  const bench = await start(t, (_request, socket) => {
    const reply = replies.shift();
    if (reply !== undefined) return reply;
    socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
    return null;
  });
  for (const [i, method] of ['GET', 'GET', 'GET', 'HEAD'].entries()) {
    const asked = bench.ask([[':method', method], ...GET.slice(1)]);
    await bench.until(() => bench.events.length === i + 1);
    t.equal(asked.ended, true);
    t.equal(asked.body, '');
    t.same(asked.informational, i === 3 ? ['103', '100'] : []);
  }
  const last = bench.ask(GET);
  await bench.until(() => bench.events.at(-1) === 'closed');
  t.same([last.body, last.ended, last.reset], ['until the end', true, undefined]);
});

t.test('a response ends early: the connection did', async (t) => {
  for (const reply of [
    '',
    'HTTP/1.1 200',
    'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
  ]) {
    const bench = await start(t, (_request, socket) => {
      socket.end(reply);
      return null;
    });
    const asked = bench.ask(GET);
    await bench.until(() => bench.events.includes('closed'));
    t.match(asked.reset, { origin: 'connection' }, JSON.stringify(reply));
    t.equal(asked.ended, false);
  }
});

t.test('what is no response is a protocol error', async (t) => {
  const heads = [
    'SSH-2.0-x\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(101)}\r\n`,
    'HTTP/1.1 200 OK\r\nx: a\r\n folded\r\ncontent-length: 0\r\n\r\n',
  ];
  for (const reply of heads) {
    const bench = await start(t, () => reply);
    const asked = bench.ask(GET);
    await bench.until(() => bench.events.includes('closed'));
    t.match(asked.reset, { origin: 'local', code: 1 }, JSON.stringify(reply.slice(0, 60)));
    t.equal(asked.headers, undefined);
    t.same(bench.events, ['protocol error', 'closed']);
  }
});

t.test("what comes unasked is nobody's answer", async (t) => {
  const bench = await start(t, () => plainResponse('fine'));
  const asked = bench.ask(GET);
  await bench.until(() => bench.events.length === 1);
  t.equal(asked.body, 'fine');
  for (const socket of bench.backend.sockets) socket.write(plainResponse('poison'));
  await bench.until(() => bench.events.at(-1) === 'closed');
  t.equal(bench.client.openStream(asked), undefined);
  const twice = await start(t, () => plainResponse('fine') + plainResponse('poison'));
  const first = twice.ask(GET);
  await twice.until(() => twice.events.includes('closed'));
  t.not(first.body, 'poison');
  t.notOk(twice.client.acceptsStreams);
});

t.test('connection: close is told of, and the connection goes', async (t) => {
  const bench = await start(t, () => plainResponse('bye', 'connection: close\r\n'));
  const asked = bench.ask(GET);
  await bench.until(() => bench.events.includes('closed'));
  t.same([asked.body, asked.reset, ...bench.events], ['bye', undefined, 'close notify', 'closed']);
});

t.test('a reset cuts the connection, and no event follows', async (t) => {
  const bench = await start(t, () => null);
  const asked = bench.ask(GET);
  asked.stream.reset(8);
  await bench.until(() => bench.events.includes('closed'));
  t.same([asked.reset, asked.stream.isOpen], [undefined, false]);
});

function boom(): never {
  throw new Error('a fault of ours');
}

t.test('a throw ends one connection, whose exchange is told', async (t) => {
  for (const where of ['onHeaders', 'onData'] as const) {
    const bench = await start(t, () => plainResponse('fine'));
    const asked = bench.ask(GET);
    asked[where] = boom;
    await bench.until(() => bench.events.includes('closed'));
    t.same(asked.reset, { code: 8, origin: 'connection' }, where);
  }
});

t.test('a throw of who is told of the end is a warning', async (t) => {
  const bench = await start(t, () => 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
  const asked = bench.ask(GET);
  asked.onReset = boom;
  const warned = new Promise((resolve) => process.once('warning', resolve));
  await bench.until(() => asked.body === 'half');
  for (const socket of bench.backend.sockets) socket.destroy();
  await bench.until(() => bench.events.includes('closed'));
  t.match(await warned, { message: 'a fault of ours' });
});

t.test('requests HTTP/1.1 cannot say fail on their own', async (t) => {
  const bench = await start(t, () => plainResponse(''));
  const asked = bench.ask([[':method', 'get'], ...GET.slice(1)]);
  await bench.until(() => asked.reset !== undefined);
  t.match(asked.reset, { origin: 'local' });
  t.equal(bench.backend.requests.length, 0);
});

t.test('a response is read at the pace of who takes it, a request written at that of the server', async (t) => {
  const size = 8_000_000;
  const bench = await start(t, (_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, 'z'));
    return null;
  });
  const asked = bench.ask(POST, false);
  for (const socket of bench.backend.sockets) socket.pause();
  let chunks = 1;
  while (asked.stream.sendData(Buffer.alloc(65_536), false)) chunks += 1;
  t.ok(chunks < 50, `${chunks} chunks`);
  for (const socket of bench.backend.sockets) socket.resume();
  asked.isGreedy = false;
  asked.stream.sendData(Buffer.from('end'), true);
  await bench.until(() => asked.body.length > 0);
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  t.ok(bench.client.bytesRead < 1_000_000, `${bench.client.bytesRead} octets were read`);
  asked.isGreedy = true;
  asked.stream.credit(asked.body.length);
  await bench.until(() => asked.ended);
  t.equal(asked.body.length, size);
});
