import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/core/index.ts';
import { GrpcClient, GrpcFailure, GrpcServer, type UnaryHandler } from '../../src/demo/grpc/index.ts';
import { decodeMessage, encodeMessage } from '../../src/demo/grpc/message.ts';
import { decodeSnappyFrames, encodeSnappyFrames } from '../../src/demo/grpc/snappy.ts';
import { GrpcStatus } from '../../src/grpc/index.ts';

const MiB = 1024 * 1024;

t.test('reads what grpc-go sends and answers', (t) => {
  // Recorded between a Tempo querier and a live-store: a FindTraceByID request, and an answer that copies within its chunk.
  const request = Buffer.from(
    '010000003eff060000734e615070590130000003c9d6100a109575730aebf687963f2b0fd476bfb5482a09696e6765737465727330013a0b088092b8c398feffffff01',
    'hex',
  );
  t.equal(
    decodeMessage(request, 'snappy', MiB).toString('hex'),
    '0a109575730aebf687963f2b0fd476bfb5482a09696e6765737465727330013a0b088092b8c398feffffff01',
  );
  const answer = Buffer.from(
    '010000003cff060000734e61507059002e00008b5b768250380a0d7269672d736572766963652d30360f000031360f000032360f000033360f001434120308cc68',
    'hex',
  );
  const plain = decodeMessage(answer, 'snappy', MiB);
  t.equal(plain.length, 80);
  t.match(plain.toString('latin1'), /rig-service-0.*rig-service-4/s);
  t.equal(decodeMessage(Buffer.from('0000000000', 'hex'), 'snappy', MiB).length, 0, 'an empty message is never compressed');
  t.end();
});

t.test('snappy frames round-trip, and damage is found', (t) => {
  for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    for (const plain of [randomBytes(size), Buffer.alloc(size, 'abc')]) {
      const framed = encodeSnappyFrames(plain);
      t.ok(decodeSnappyFrames(framed, size).equals(plain), `${size} bytes`);
    }
  }
  const framed = encodeSnappyFrames(Buffer.from('hello hello hello hello'));
  const damaged = Buffer.from(framed);
  damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
  t.throws(() => decodeSnappyFrames(damaged, 100), /checksum mismatch|snappy block/);
  t.throws(() => decodeSnappyFrames(framed.subarray(0, -1), 100), { message: 'snappy: truncated chunk' });
  t.throws(() => decodeSnappyFrames(framed.subarray(0, 12), 100), { message: 'snappy: truncated chunk header' });
  t.throws(() => decodeSnappyFrames(Buffer.from('nope'), 100), { message: 'snappy: no stream identifier' });
  t.throws(() => decodeSnappyFrames(Buffer.concat([framed.subarray(0, 10), Buffer.from([2, 0, 0, 0])]), 100), /reserved/);
  t.throws(() => decodeSnappyFrames(encodeSnappyFrames(Buffer.alloc(101)), 100), RangeError);
  t.end();
});

async function withServer(t: Test, handlers: Record<string, UnaryHandler>): Promise<GrpcClient> {
  const server = new GrpcServer({ handlers: new Map(Object.entries(handlers)) }, systemClock);
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = new GrpcClient(address);
  t.teardown(() => {
    client.close();
    server.destroy();
  });
  return client;
}
const call = { authority: 'a:1', message: Buffer.from('ping'), timeoutMs: 20_000 };

t.test('unary calls: answers, failures, metadata, unknown methods', async (t) => {
  const seen: string[][] = [];
  const client = await withServer(t, {
    '/a.B/Echo': ({ message, header, valuesOf }) => {
      seen.push([String(header(':authority')), String(header('grpc-encoding')), ...valuesOf('x-scope-orgid')]);
      return message;
    },
    '/a.B/Fail': () => {
      throw new GrpcFailure(GrpcStatus.UNKNOWN, 'cannot guarantee complete results: 100% lag, "ü"');
    },
  });
  const echo = await client.unary({ ...call, path: '/a.B/Echo', metadata: { 'x-scope-orgid': 't1' } });
  t.same([echo.status, echo.message.toString()], [0, 'ping']);
  t.same(seen, [['a:1', 'snappy', 't1']]);
  const failed = await client.unary({ ...call, path: '/a.B/Fail' });
  t.same([failed.status, failed.statusText], [2, 'cannot guarantee complete results: 100% lag, "ü"']);
  const unknown = await client.unary({ ...call, path: '/a.B/None' });
  t.same([unknown.status, unknown.statusText], [12, 'unknown method /a.B/None']);
});

t.test('16 MiB pass in both directions, more is refused like Tempo does', async (t) => {
  const client = await withServer(t, { '/a.B/Echo': ({ message }) => message, '/a.B/Big': () => Buffer.alloc(16 * MiB + 1) });
  const most = randomBytes(16 * MiB - 20_000);
  const echo = await client.unary({ ...call, path: '/a.B/Echo', message: most });
  t.equal(echo.status, 0);
  t.ok(echo.message.equals(most));
  const over = await client.unary({ ...call, path: '/a.B/Echo', message: randomBytes(16 * MiB + 1) });
  t.equal(over.status, 8);
  t.match(over.statusText, /^grpc: received message larger than max \(\d+ vs\. 16777216\)$/);
  const squeezed = await client.unary({ ...call, path: '/a.B/Echo', message: Buffer.alloc(16 * MiB + 1) });
  t.same([squeezed.status, squeezed.statusText], [8, 'grpc: message after decompression larger than max 16777216']);
  const big = await client.unary({ ...call, path: '/a.B/Big' });
  t.same([big.status, big.statusText], [8, 'grpc: trying to send message larger than max (16777217 vs. 16777216)']);
});

t.test('nobody there, a deadline, and a server that goes away are statuses', async (t) => {
  const never = await withServer(t, { '/a.B/Hang': () => new Promise(() => {}) });
  const late = await never.unary({ ...call, path: '/a.B/Hang', timeoutMs: 30 });
  t.same([late.status, late.statusText], [4, 'no answer within 30 ms']);
  const nobody = new GrpcClient({ host: '127.0.0.1', port: 1 });
  t.equal((await nobody.unary({ ...call, path: '/a.B/X' })).status, 14);
  nobody.close();
});

t.test('messages in identity and gzip', (t) => {
  for (const encoding of ['identity', 'gzip', 'snappy'] as const)
    t.equal(decodeMessage(encodeMessage(Buffer.from('abc'), encoding), encoding, 100).toString(), 'abc');
  t.throws(() => decodeMessage(encodeMessage(Buffer.from('abc'), 'gzip'), 'zstd', 100), { code: GrpcStatus.UNIMPLEMENTED });
  t.throws(() => decodeMessage(Buffer.from('00000000', 'hex'), 'identity', 10), { code: GrpcStatus.INTERNAL });
  t.end();
});
