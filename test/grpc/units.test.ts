import fc from 'fast-check';
import t from 'tap';
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  encodeHealthRequest,
  encodeHealthResponse,
  encodeMessage,
  formatGrpcTimeout,
  GrpcStatus,
  grpcStatusCode,
  grpcStatusName,
  grpcStatusOfHttp,
  grpcStatusOfReset,
  httpStatusOfGrpc,
  MessageDecoder,
  parseGrpcStatus,
  parseGrpcTimeout,
  parseHealthResponse,
  wholeGrpcTimeout,
} from '../../src/grpc/index.ts';

t.test('status codes and their names', async (t) => {
  t.equal(grpcStatusName(0), 'OK');
  t.equal(grpcStatusName(14), 'UNAVAILABLE');
  t.equal(grpcStatusName(16), 'UNAUTHENTICATED');
  t.equal(grpcStatusName(17), 'CODE_17');
  t.equal(grpcStatusCode('deadline_exceeded'), 4);
  t.equal(grpcStatusCode('nonsense'), undefined);
  t.equal(parseGrpcStatus('14'), 14);
  t.equal(parseGrpcStatus('-1'), GrpcStatus.UNKNOWN);
});

t.test('times in whole milliseconds, of eight digits at most', async (t) => {
  t.same([0.5, 1, 1500.2, 99_999_999, 100_000_000].map(wholeGrpcTimeout), ['1m', '1m', '1501m', '99999999m', '100000S']);
});

t.test('HTTP statuses as Envoy maps them', async (t) => {
  const mapped = [400, 401, 403, 404, 429, 500, 502, 503, 504, 200].map(grpcStatusOfHttp);
  t.same(mapped, [13, 16, 7, 12, 14, 2, 14, 14, 14, 2]);
  t.same([0, 2, 4, 13, 14, 16, 17].map(httpStatusOfGrpc), [200, 500, 504, 500, 503, 401, 500]);
});

t.test('resets', async (t) => {
  t.equal(grpcStatusOfReset({ code: 8, origin: 'peer' }), GrpcStatus.CANCELLED);
  t.equal(grpcStatusOfReset({ code: 11, origin: 'peer' }), GrpcStatus.RESOURCE_EXHAUSTED);
  t.equal(grpcStatusOfReset({ code: 2, origin: 'peer' }), GrpcStatus.INTERNAL);
  t.equal(grpcStatusOfReset({ code: 7, origin: 'refused' }), GrpcStatus.UNAVAILABLE);
  t.equal(grpcStatusOfReset({ code: 0, origin: 'connection' }), GrpcStatus.UNAVAILABLE);
});

t.test('grpc-message', async (t) => {
  t.equal(encodeGrpcMessage('no healthy upstream'), 'no healthy upstream');
  t.equal(encodeGrpcMessage('50% of ü\n'), '50%25 of %C3%BC%0A');
  t.equal(decodeGrpcMessage('50%25 of %c3%BC'), '50% of ü');
  t.equal(decodeGrpcMessage('bad %zz and %4'), 'bad %zz and %4');
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => decodeGrpcMessage(encodeGrpcMessage(text)) === text));
});

t.test('grpc-timeout', async (t) => {
  t.equal(parseGrpcTimeout('9992562u'), 9992.562);
  t.equal(parseGrpcTimeout('1H'), 3_600_000);
  t.equal(parseGrpcTimeout('100m'), 100);
  for (const bad of ['', '1', 'm', '-1m', '1.5S', '123456789m', '1 m', '1s']) t.equal(parseGrpcTimeout(bad), undefined, bad);
  t.equal(formatGrpcTimeout(0), '1n');
  t.equal(formatGrpcTimeout(10), '10000000n');
  t.equal(formatGrpcTimeout(15_000), '15000000u');
  t.equal(formatGrpcTimeout(1e20), '99999999H');
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e12, noNaN: true }), (ms) => {
      const back = parseGrpcTimeout(formatGrpcTimeout(ms)) ?? Number.NaN;
      return back >= ms * 0.999_999 && back <= ms * 1.000_01 + 0.000_01;
    }),
  );
});

t.test('health messages', async (t) => {
  t.equal(encodeHealthRequest('').length, 0);
  t.equal(encodeHealthRequest('tempopb.Querier').toString('hex'), '0a0f74656d706f70622e51756572696572');
  t.throws(() => encodeHealthRequest('x'.repeat(128)), { code: 'BAD_SERVICE' });
  for (const status of ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const) {
    t.equal(parseHealthResponse(encodeHealthResponse(status)), status);
  }
  t.equal(parseHealthResponse(Buffer.from([8, 9])), 'UNKNOWN');
  t.throws(() => parseHealthResponse(Buffer.from('rubbish')), { code: 'BAD_MESSAGE' });
});

t.test('messages come out whole, however they are chunked', async () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 });
  fc.assert(
    fc.property(bodies, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }), (messages, sizes) => {
      const stream = Buffer.concat(messages.map(encodeMessage));
      const received: string[] = [];
      const decoder = new MessageDecoder(100, (message) => received.push(message.toString('hex')));
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length]!;
        // The chunk is overwritten afterwards, as a shared read buffer is.
        const chunk = Buffer.from(stream.subarray(at, at + size));
        decoder.push(chunk);
        chunk.fill(0xee);
        at += size;
      }
      return decoder.isBetweenMessages && received.join() === messages.map((message) => Buffer.from(message).toString('hex')).join();
    }),
  );
});

t.test('a message that is too large or has an unknown flag is refused at its prefix', async (t) => {
  const decoder = (): MessageDecoder => new MessageDecoder(10, () => t.fail('a message'));
  t.throws(() => decoder().push(encodeMessage(Buffer.alloc(11)).subarray(0, 5)), {
    code: 'MESSAGE_TOO_LARGE',
    message: /of 11 bytes, at most 10/,
  });
  t.throws(() => decoder().push(Buffer.from([2, 0, 0, 0, 0])), { code: 'BAD_MESSAGE' });
  const compressed: boolean[] = [];
  new MessageDecoder(10, (_message, isCompressed) => compressed.push(isCompressed)).push(Buffer.from([1, 0, 0, 0, 1, 9]));
  t.same(compressed, [true]);
});
