// A recorded connection between a querier and a live-store goes through the data plane: both ends get what the other end sent.
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { createClientConnection, headerBlock } from '../../src/http2/index.ts';
import type { Http2Connection } from '../../src/http2/types.ts';
import { type Frame, FrameSplitter } from '../fuzz/frame-splitter.ts';
import { http2Cluster, routeTo, startDataPlane } from '../support/data-plane.ts';
import { startEchoServer } from '../support/http2-echo.ts';
import { REQUEST, recorder } from '../support/http2-raw.ts';
import { ms } from '../support/message.ts';

const PREFACE_LENGTH = 24;
const MAX_FRAME = 16_384;
const recorded = (name: string): Buffer => readFileSync(join(import.meta.dirname, `../golden/http2/${name}.bin`));
const REQUESTS = recorded('h2-querier-client');
const ANSWERS = recorded('h2-live-store-server');

/** What one side said on a stream, in order. */
interface Said {
  readonly blocks: string[][];
  body: Buffer;
  isEnded: boolean;
}

/** Reads one direction of a connection, stream by stream. */
class Reader {
  readonly streams = new Map<number, Said>();
  readonly #decoder = new HpackDecoder({ maxBytes: 1 << 20, maxFields: 1000 });
  readonly #splitter: FrameSplitter;
  readonly #onFrame: (frame: Frame) => void;

  constructor(isClient: boolean, onFrame: (frame: Frame) => void = () => {}) {
    this.#onFrame = onFrame;
    this.#splitter = new FrameSplitter(isClient ? PREFACE_LENGTH : 0, MAX_FRAME, (frame) => this.#read(frame));
  }

  push(bytes: Buffer): this {
    this.#splitter.push(Buffer.from(bytes));
    return this;
  }

  get ended(): number {
    return [...this.streams.values()].filter(({ isEnded }) => isEnded).length;
  }

  #read(frame: Frame): void {
    const { type, flags, streamId, payload } = frame;
    if (type === 0 || type === 1) {
      const said = this.streams.get(streamId) ?? { blocks: [], body: Buffer.alloc(0), isEnded: false };
      this.streams.set(streamId, said);
      if (type === 0) said.body = Buffer.concat([said.body, payload]);
      else said.blocks.push((this.#decoder.decode(payload, 0, payload.length) ?? []).map(({ name, value }) => `${name}: ${value}`));
      said.isEnded = (flags & 1) !== 0;
    }
    this.#onFrame(frame);
  }
}

/** A live-store that says again what it has said, each frame once its request is whole. */
async function startRecordedServer(t: Test): Promise<{ readonly address: string; readonly heard: Reader[] }> {
  const frames: { readonly frame: Frame; readonly bytes: Buffer }[] = [];
  let at = 0;
  new FrameSplitter(0, MAX_FRAME, (frame) => {
    const end = at + 9 + frame.payload.length;
    frames.push({ frame, bytes: ANSWERS.subarray(at, end) });
    at = end;
  }).push(ANSWERS);
  const heard: Reader[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let next = 0;
    const reader = new Reader(true, () => {
      for (; next < frames.length; next += 1) {
        const { frame, bytes } = frames[next]!;
        if (frame.streamId > 0 && reader.streams.get(frame.streamId)?.isEnded !== true) break;
        socket.write(bytes);
      }
    });
    heard.push(reader);
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { address: typeof address === 'string' ? address : `127.0.0.1:${address?.port}`, heard };
}

/** Plays the querier, in chunks of this size; resolves with what came back once every stream has ended. */
function playQuerier(target: string, chunkSize: number, streams: number): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const [host = '', port] = target.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    const reader = new Reader(false, () => {
      if (reader.ended < streams) return;
      socket.destroy();
      resolve(reader);
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error(`the connection ended after ${reader.ended} streams`)));
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    for (let at = 0; at < REQUESTS.length; at += chunkSize) socket.write(REQUESTS.subarray(at, at + chunkSize));
  });
}

/** Fields that a sidecar adds (Envoy's, with its defaults). */
const ADDED_TO_REQUESTS = ['x-forwarded-proto', 'x-request-id'];
const ADDED_TO_ANSWERS = ['date', 'server', 'x-envoy-upstream-service-time'];
const nameOf = (line: string): string => line.slice(0, line.indexOf(':', 1));
const without = (lines: readonly string[], added: readonly string[]): string[] => lines.filter((line) => !added.includes(nameOf(line)));

for (const chunkSize of [REQUESTS.length, 100, 7])
  t.test(`in chunks of ${chunkSize} octets`, async (t) => {
    const expected = { requests: new Reader(true).push(REQUESTS).streams, answers: new Reader(false).push(ANSWERS).streams };
    t.equal(expected.requests.size, expected.answers.size);
    t.ok(expected.requests.size >= 10, `${expected.requests.size} calls are recorded`);
    const server = await startRecordedServer(t);
    const clusters = [http2Cluster('live-store', [[server.address]])];
    const plane = await startDataPlane({ directory: t.testdir(), clusters, routes: [routeTo('live-store', { timeout: ms(0) })] });
    t.teardown(() => plane.stop());
    const answers = await playQuerier(plane.target, chunkSize, expected.requests.size);
    t.equal(server.heard.length, 1, 'one connection carries all');
    t.same([...answers.streams.keys()].sort(byNumber), [...expected.answers.keys()].sort(byNumber));
    for (const [id, { blocks, body }] of expected.requests) {
      const came = server.heard[0]?.streams.get(id);
      t.same(without(came?.blocks[0] ?? [], ADDED_TO_REQUESTS), blocks[0], `request ${id}: fields in order`);
      t.same(came?.blocks.length, 1);
      t.ok(came?.body.equals(body), `request ${id}: ${body.length} octets`);
    }
    for (const [id, { blocks, body }] of expected.answers) {
      const came = answers.streams.get(id);
      t.same(
        [without(came?.blocks[0] ?? [], ADDED_TO_ANSWERS), ...(came?.blocks.slice(1) ?? [])],
        blocks,
        `answer ${id}: fields, then trailers`,
      );
      t.same(
        came?.blocks[0]
          ?.map(nameOf)
          .filter((name) => ADDED_TO_ANSWERS.includes(name))
          .sort(),
        ADDED_TO_ANSWERS,
      );
      t.ok(came?.body.equals(body), `answer ${id}: ${body.length} octets`);
    }
  });

function byNumber(a: number, b: number): number {
  return a - b;
}

t.test('single messages as large as Tempo has them, both ways at once', async (t) => {
  const upstream = await startEchoServer();
  t.teardown(() => upstream.close());
  const clusters = [http2Cluster('live-store', [[`127.0.0.1:${upstream.port}`]])];
  const plane = await startDataPlane({ directory: t.testdir(), clusters, routes: [routeTo('live-store', { timeout: ms(0) })] });
  t.teardown(() => plane.stop());
  const socket = connect({ host: '127.0.0.1', port: Number(plane.target.split(':')[1]), noDelay: true });
  const connection = createClientConnection(
    socket,
    { clock: systemClock },
    { onStream: () => recorder(undefined).handler, onClose: () => {} },
  );
  t.teardown(() => connection.destroy());
  const sizes = [1_690_000, 1_690_000, 16 * 1024 * 1024];
  await Promise.all(
    sizes.map(async (size, i) => {
      const body = Buffer.alloc(size, `message ${i} `);
      t.ok((await echoed(connection, body)).equals(body), `${size} octets`);
    }),
  );
});

/** What comes back of a call with this body; rejects when it is reset. */
function echoed(connection: Http2Connection, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const came: Buffer[] = [];
    const stream = connection.openStream({
      onHeaders: () => {},
      onData: (chunk) => {
        came.push(Buffer.from(chunk));
        stream?.credit(chunk.length);
      },
      onTrailers: () => resolve(Buffer.concat(came)),
      onReset: ({ code }) => reject(new Error(`reset with ${code}`)),
      onDrain: () => {},
    });
    stream?.sendHeaders(headerBlock(REQUEST), false);
    stream?.sendData(body, true);
  });
}
