import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FrameReader } from '../../src/http2/frame-reader.ts';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { looksLikeHttp2Preface } from '../../src/http2/index.ts';
import { FrameType } from '../../src/http2/protocol.ts';
import { frame } from '../support/http2-raw.ts';

const typeNames: readonly string[] = Object.keys(FrameType);
const recorded = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../golden/http2', name));

/** What a reader tells of `bytes` when they come in chunks of these sizes; neighbouring pieces of DATA are joined. */
function read(bytes: Buffer, sizes: readonly number[], expectPreface: boolean): string[] {
  const events: string[] = [];
  let data: { id: number; octets: Buffer[]; flow: number } | undefined;
  const reader = new FrameReader(
    {
      onDataFrame: (streamId, length, endStream) => {
        data = { id: streamId, octets: [], flow: 0 };
        events.push(`DATA ${streamId} ${length}${endStream ? ' END' : ''}`);
      },
      onDataPart: (streamId, chunk, start, end, flowLength, isEnd) => {
        if (data?.id !== streamId) throw new Error('a part of no frame');
        data.octets.push(Buffer.from(chunk.subarray(start, end)));
        data.flow += flowLength;
        if (isEnd) events.push('end');
        events[events.length - (isEnd ? 2 : 1)] = `DATA ${streamId} ${Buffer.concat(data.octets).toString('hex')} flow ${data.flow}`;
      },
      onFrame: (type, flags, streamId, chunk, start, end) => {
        events.push(`${typeNames[type] ?? type} ${flags} ${streamId} ${chunk.toString('hex', start, end)}`);
      },
    },
    expectPreface,
  );
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    reader.read(chunk);
    chunk.fill(0xee);
    at += size;
  }
  return events;
}

const anyFrame = fc
  .record({
    type: fc.constantFrom('DATA', 'HEADERS', 'PING', 'SETTINGS', 'CONTINUATION', 'GOAWAY', 0x42 as const),
    flags: fc.constantFrom(0, 1, 4, 5),
    streamId: fc.integer({ min: 0, max: 0x7fff_ffff }),
    payload: fc.uint8Array({ maxLength: 70 }),
  })
  .map(({ type, flags, streamId, payload }) => frame(type as 'DATA', flags, streamId, payload));
const paddedData = fc
  .record({ octets: fc.uint8Array({ maxLength: 40 }), padding: fc.integer({ min: 0, max: 40 }), end: fc.boolean() })
  .map(({ octets, padding, end }) =>
    frame('DATA', 8 | (end ? 1 : 0), 1, Buffer.concat([Buffer.from([padding]), octets, Buffer.alloc(padding)])),
  );
const chunkSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });

t.test('property: any chunking of any frames tells the same', async () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyFrame, paddedData), { maxLength: 8 }), chunkSizes, (frames, sizes) => {
      const bytes = Buffer.concat(frames);
      return read(bytes, sizes, false).join('\n') === read(bytes, [1_000_000], false).join('\n');
    }),
  );
});

t.test('padding counts for flow control and is not passed on', async (t) => {
  const padded = frame('DATA', 9, 1, Buffer.from('03616263000000', 'hex'));
  t.same(read(padded, [1], false), ['DATA 1 616263 flow 7', 'end']);
  t.same(read(frame('DATA', 9, 1, Buffer.from([0])), [99], false), ['DATA 1  flow 1', 'end']);
});

t.test('what no frame may be', async (t) => {
  t.throws(() => read(frame('DATA', 8, 1), [99], false), { code: 'HTTP2_FRAME_SIZE_ERROR' });
  t.throws(() => read(frame('DATA', 8, 1, Buffer.from([2, 0])), [99], false), { code: 'HTTP2_PROTOCOL_ERROR' });
  t.throws(() => read(frame('PING', 0, 0, Buffer.alloc(16_385)), [99], false), { code: 'HTTP2_FRAME_SIZE_ERROR' });
  t.throws(() => read(Buffer.from('PRI * HTTP/2.0\r\n\r\nXX'), [7], true), { code: 'HTTP2_PROTOCOL_ERROR' });
});

t.test('the preface is told from other protocols by its first octets', async (t) => {
  t.equal(looksLikeHttp2Preface(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n....')), 'yes');
  t.equal(looksLikeHttp2Preface(Buffer.from('PRI * HT')), 'more');
  t.equal(looksLikeHttp2Preface(Buffer.alloc(0)), 'more');
  t.equal(looksLikeHttp2Preface(Buffer.from('PUT / HTTP/1.1\r\n')), 'no');
  t.equal(looksLikeHttp2Preface(Buffer.from('PRI * HTTP/1.1\r\n')), 'no');
});

/** Header blocks of a recorded direction, decoded with one decoder. */
function blocksOf(events: readonly string[]): string[][] {
  const decoder = new HpackDecoder({ maxBytes: 61_440, maxFields: 100 });
  return events
    .filter((event) => event.startsWith('HEADERS'))
    .map((event) => {
      const bytes = Buffer.from(event.split(' ')[3]!, 'hex');
      return decoder.decode(bytes, 0, bytes.length)!.map(({ name, value }) => `${name}: ${value}`);
    });
}

/** The list of frames as another program saw it, and as the reader tells it. */
function frameLists(name: string, expectPreface: boolean): [expected: string[], actual: string[]] {
  const summary: string[] = [];
  const add = (type: number, flags: number, streamId: number, length: number): void => {
    summary.push(`${typeNames[type]} stream ${streamId} flags ${flags} len ${length}`);
  };
  new FrameReader(
    {
      onDataFrame: (streamId, length, endStream) => add(FrameType.DATA, endStream ? 1 : 0, streamId, length),
      onDataPart: () => {},
      onFrame: (type, flags, streamId, _bytes, start, end) => add(type, flags, streamId, end - start),
    },
    expectPreface,
  ).read(recorded(`${name}.bin`));
  return [recorded(`${name}.txt`).toString().trim().split('\n'), summary];
}

t.test('a recorded connection from a Tempo querier', async (t) => {
  const [expected, actual] = frameLists('h2-querier-client', true);
  t.same(actual, expected);
  const blocks = blocksOf(read(recorded('h2-querier-client.bin'), [11, 3, 200], true));
  const paths = blocks.map((block) => block[2]);
  t.same(new Set(paths.slice(0, 3)), new Set([':path: /tempopb.Querier/FindTraceByID']));
  const timeout = blocks[0]?.find((line) => line.startsWith('grpc-timeout'));
  t.match(timeout, /^grpc-timeout: 99\d{5}u$/);
  t.same(blocks[0], [
    ':method: POST',
    ':scheme: http',
    ':path: /tempopb.Querier/FindTraceByID',
    ':authority: 127.0.0.11:9196',
    'content-type: application/grpc',
    'user-agent: grpc-go/1.82.1',
    'te: trailers',
    'grpc-encoding: snappy',
    'grpc-accept-encoding: snappy,zstd,gzip',
    timeout,
    'x-scope-orgid: single-tenant',
  ]);
  t.same(blocks.at(-1)?.[2], ':path: /grpc.health.v1.Health/Check');
});

t.test('what the live-store answered', async (t) => {
  const [expected, actual] = frameLists('h2-live-store-server', false);
  t.same(actual, expected);
  const blocks = blocksOf(read(recorded('h2-live-store-server.bin'), [13, 1, 500], false));
  t.same(blocks[0], [':status: 200', 'content-type: application/grpc', 'grpc-encoding: snappy']);
  for (let index = 1; index < blocks.length; index += 2) t.same(blocks[index], ['grpc-status: 0', 'grpc-message: ']);
});
