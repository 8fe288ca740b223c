import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t from 'tap';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import { decodeHuffman, encodeHuffman, huffmanLength, scanHuffman } from '../../src/http2/hpack/huffman.ts';
import { writeInteger } from '../../src/http2/hpack/primitives.ts';
import { field, findField, headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock } from '../../src/http2/types.ts';

const LIMITS = { maxBytes: 61_440, maxFields: 100 };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const pairs = (block: HeaderBlock | undefined): [string, string][] | undefined => block?.map(({ name, value }) => [name, value]);

function decodeAll(blocks: readonly string[], decoder = new HpackDecoder(LIMITS)): ([string, string][] | undefined)[] {
  return blocks.map((text) => {
    const bytes = hex(text);
    return pairs(decoder.decode(bytes, 0, bytes.length));
  });
}

function encode(encoder: HpackEncoder, block: HeaderBlock): Buffer {
  const target = Buffer.alloc(encoder.bound(block));
  const end = encoder.encode(block, target, 0);
  return target.subarray(0, end);
}

function decode(decoder: HpackDecoder, bytes: Buffer): HeaderBlock | undefined {
  return decoder.decode(bytes, 0, bytes.length);
}

t.test('RFC 7541 C.1: integers', async (t) => {
  const written = (prefixBits: number, value: number): string => {
    const target = Buffer.alloc(8);
    return target.toString('hex', 0, writeInteger(target, 0, 0, prefixBits, value));
  };
  t.equal(written(5, 10), '0a');
  t.equal(written(5, 1337), '1f9a0a');
  t.equal(written(8, 42), '2a');
});

t.test('RFC 7541 C.2: one field of each representation', async (t) => {
  t.same(decodeAll(['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572']), [[['custom-key', 'custom-header']]]);
  t.same(decodeAll(['040c 2f73 616d 706c 652f 7061 7468']), [[[':path', '/sample/path']]]);
  t.same(decodeAll(['82']), [[[':method', 'GET']]]);
  const secret = decode(new HpackDecoder(LIMITS), hex('1008 7061 7373 776f 7264 0673 6563 7265 74'));
  t.same(pairs(secret), [['password', 'secret']]);
  t.equal(secret?.[0]?.neverIndexed, true);
});

const REQUESTS = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];

t.test('RFC 7541 C.3 and C.4: requests on one connection, plain and Huffman-coded', async (t) => {
  const plain = [
    '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    '8286 84be 5808 6e6f 2d63 6163 6865',
    '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
  ];
  const coded = [
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    '8286 84be 5886 a8eb 1064 9cbf',
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
  ];
  t.same(decodeAll(plain), REQUESTS);
  t.same(decodeAll(coded), REQUESTS);
});

t.test('RFC 7541 C.5 and C.6: responses with eviction from a table of 256 octets', async (t) => {
  const first = [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ];
  const second = [[':status', '307'], ...first.slice(1)];
  const third = [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ];
  const plain = [
    `3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768
     7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
    '4803 3330 37c1 c0bf',
    `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48
     514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
  ].map((text) => text.replaceAll(/\s/g, ''));
  const coded = [
    '3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    '4883 640e ffc1 c0bf',
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af
     2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
  ].map((text) => text.replaceAll(/\s/g, ''));
  t.same(decodeAll(plain), [first, second, third]);
  t.same(decodeAll(coded), [first, second, third]);
});

t.test('faults of a block are COMPRESSION_ERROR', async (t) => {
  const faults: readonly [block: string, message: RegExp][] = [
    ['80', /index 0/],
    ['be', /index 62/],
    ['7f', /ends inside/],
    ['40', /ends inside/],
    ['0003 6162', /ends inside/],
    ['ffffffffff7f', /28 bits/],
    ['8220', /update after a field/],
    ['3fe21f', /size update to 4097/],
    ['202020', /more than two/],
    ['0001 6181 ff', /Huffman/],
    ['0001 6184 ffff ffff', /Huffman/],
  ];
  for (const [text, message] of faults) {
    t.throws(() => decodeAll([text]), { code: 'HTTP2_COMPRESSION_ERROR', message }, text);
  }
});

t.test('H2 a lowered table size must be announced by the peer', async (t) => {
  const decoder = new HpackDecoder(LIMITS);
  decoder.setMaxTableSize(0);
  t.throws(() => decode(decoder, hex('82')), { message: /no table size update/ });
  const told = new HpackDecoder(LIMITS);
  told.setMaxTableSize(0);
  t.same(pairs(decode(told, hex('2082'))), [[':method', 'GET']]);
});

t.test('H1 a list over its limits is decoded to its end, so that the table stays in step', async (t) => {
  const decoder = new HpackDecoder({ maxBytes: 61_440, maxFields: 2 });
  t.equal(decode(decoder, hex('828684 400a 6375 7374 6f6d 2d6b 6579 0161')), undefined);
  t.same(pairs(decode(decoder, hex('be'))), [['custom-key', 'a']]);
  const bytes = new HpackDecoder({ maxBytes: 42 + 42, maxFields: 100 });
  t.same(pairs(decode(bytes, hex('8282'))), [
    [':method', 'GET'],
    [':method', 'GET'],
  ]);
  t.equal(decode(bytes, hex('828204 012f')), undefined, 'one octet more');
});

t.test('the encoder indexes what repeats and leaves alone what varies', async (t) => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(LIMITS);
  let last = Buffer.alloc(0);
  for (let round = 0; round < 40; round += 1) {
    const block = headerBlock([
      [':method', 'POST'],
      [':path', '/tempopb.Querier/FindTraceByID'],
      ['user-agent', 'grpc-go/1.82.1'],
      ['x-sequence', String(round)],
      ['traceparent', `00-${String(round).padStart(32, '0')}-01`],
    ]);
    last = Buffer.from(encode(encoder, block));
    t.same(pairs(decode(decoder, last)), pairs(block));
  }
  // 3 indexed fields, a literal of name index and 2 digits, a literal of name index and 38 octets.
  t.equal(last.length, 3 + (2 + 1 + 2) + (2 + 1 + 38));
});

t.test('a secret and a never-indexed field enter no table', async (t) => {
  const encoder = new HpackEncoder();
  const block = [field('authorization', 'Bearer abc'), field('x-token', 'abc', { neverIndexed: true })];
  const first = Buffer.from(encode(encoder, block));
  t.same(Buffer.from(encode(encoder, block)), first);
  t.equal(decode(new HpackDecoder(LIMITS), first)?.[1]?.neverIndexed, true);
});

t.test('H2 the encoder follows the peer table size, and says so once', async (t) => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(LIMITS);
  const block = headerBlock([['x-a', 'some value']]);
  decode(decoder, encode(encoder, block));
  t.equal(encode(encoder, block).toString('hex'), 'be');
  encoder.setPeerTableSize(0);
  encoder.setPeerTableSize(100);
  const shrunk = encode(encoder, block);
  t.equal(shrunk.toString('hex', 0, 3), '203f45', 'to 0, then to 100');
  t.same(pairs(decode(decoder, shrunk)), pairs(block));
  t.equal(encode(encoder, block).toString('hex'), 'be');
  encoder.setPeerTableSize(90);
  encoder.setPeerTableSize(4096);
  const emptied = encode(encoder, block);
  t.equal(emptied.toString('hex', 0, 5), '203fe11f40', 'to 0, though 90 would do, then to 4096; the field comes anew');
  t.same(pairs(decode(decoder, emptied)), pairs(block));
  encoder.setPeerTableSize(0);
  t.same(pairs(decode(decoder, encode(encoder, block))), pairs(block));
  t.not(encode(encoder, block).toString('hex'), 'be');
});

t.test('a field that outlives a connection does not keep its encoder', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const lasting = headerBlock([['x-lasting', 'value']]);
  const encoders = Array.from({ length: 10 }, () => {
    const encoder = new HpackEncoder();
    encode(encoder, lasting);
    return new WeakRef(encoder);
  });
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  t.equal(encoders.filter((encoder) => encoder.deref() !== undefined).length, 0);
});

t.test('an encoder keeps alive what its table holds, and nothing that has left it', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const encoder = new HpackEncoder();
  const send = (name: string, neverIndexed: boolean): WeakRef<object> => {
    const block = [field(name, 'v'.repeat(500), { neverIndexed })];
    encode(encoder, block);
    return new WeakRef(block[0]!);
  };
  const indexed = Array.from({ length: 20 }, (_, index) => send(`x-kept-${index % 10}`, false));
  const secrets = Array.from({ length: 20 }, () => send('x-secret', true));
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const alive = (refs: readonly WeakRef<object>[]): number => refs.filter((ref) => ref.deref() !== undefined).length;
  t.equal(alive(indexed), 7, 'as many as 4096 octets hold');
  t.equal(alive(secrets), 0);
});

t.test('values pass from decoder to encoder in the octets they came in', async (t) => {
  const coded = hex('0001 61 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff');
  const block = decode(new HpackDecoder(LIMITS), coded)!;
  t.same(encode(new HpackEncoder(), block), hex('4001 61 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff'));
  t.equal(block[0]?.value, 'www.example.com');
});

t.test('field refuses what no header may have', async (t) => {
  t.throws(() => field('X-Upper', 'a'), { code: 'BAD_HEADER' });
  t.throws(() => field('a b', 'a'), { code: 'BAD_HEADER' });
  t.throws(() => field('a', 'x\r\ny: z'), { code: 'BAD_HEADER', message: /character 13 at 1/ });
  t.throws(() => field('a', '\u0100'), { code: 'BAD_HEADER' });
  t.equal(findField(headerBlock([['a', '1']]), 'a')?.value, '1');
  t.equal(findField([], 'a'), undefined);
});

const latin1 = fc.array(
  fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
  { maxLength: 80 },
);
const valueText = latin1.map((codes) => String.fromCharCode(...codes));
const nameText = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);

t.test('property: Huffman coding is lossless', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 }), (codes) => {
      const text = String.fromCharCode(...codes);
      const bytes = encodeHuffman(text);
      const scan = scanHuffman(bytes, 0, bytes.length);
      return bytes.length === huffmanLength(text) && scan >>> 1 === text.length && decodeHuffman(bytes, 0, bytes.length) === text;
    }),
  );
});

t.test('property: any blocks survive encoder and decoder, also through a second hop and changing table sizes', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.array(fc.tuple(nameText, valueText, fc.boolean()), { maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 64, 200, 4096) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const hops = [0, 1].map(() => ({ encoder: new HpackEncoder(), decoder: new HpackDecoder(LIMITS) }));
      for (const item of steps) {
        if (typeof item === 'number') {
          hops[0]!.encoder.setPeerTableSize(item);
          continue;
        }
        let block: HeaderBlock = item.map(([name, value, neverIndexed]) => field(name, value, { neverIndexed }));
        for (const { encoder, decoder } of hops) block = decode(decoder, encode(encoder, block))!;
        const expected = item.map(([name, value, neverIndexed]) => ({ name, value, neverIndexed }));
        const actual = block.map(({ name, value, neverIndexed }) => ({ name, value, neverIndexed }));
        if (JSON.stringify(actual) !== JSON.stringify(expected)) return false;
      }
      return true;
    }),
  );
});

t.test('property: blocks that come again and again mean the same, whatever happens to the tables between', async () => {
  const block = fc.array(fc.tuple(nameText, fc.constantFrom('', 'a', 'b', 'v'.repeat(60)), fc.boolean()), { maxLength: 4 });
  const step = fc.oneof({ weight: 8, arbitrary: fc.nat(7) }, { weight: 1, arbitrary: fc.constantFrom('0', '64', '200', '4096') });
  fc.assert(
    fc.property(fc.array(block, { minLength: 8, maxLength: 8 }), fc.array(step, { minLength: 40, maxLength: 80 }), (contents, steps) => {
      const blocks = contents.map((fields) => fields.map(([name, value, neverIndexed]) => field(name, value, { neverIndexed })));
      const hops = [0, 1].map(() => ({ encoder: new HpackEncoder(), decoder: new HpackDecoder(LIMITS) }));
      for (const item of steps) {
        if (typeof item === 'string') {
          // the peer acknowledges at once: its encoder knows of the size before its next block
          for (const { encoder, decoder } of hops) {
            encoder.setPeerTableSize(Number(item));
            decoder.setMaxTableSize(Number(item));
          }
          continue;
        }
        let came: HeaderBlock = blocks[item]!;
        for (const { encoder, decoder } of hops) came = decode(decoder, encode(encoder, came))!;
        const said = (headers: HeaderBlock): string => JSON.stringify(headers.map(({ name, value }) => [name, value]));
        if (said(came) !== said(blocks[item]!)) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

t.test('property: the decoder survives any bytes', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decode(new HpackDecoder(LIMITS), Buffer.from(bytes));
      } catch (error) {
        return (error as { errorCode?: number }).errorCode === 9;
      }
      return true;
    }),
  );
});
