import { readFileSync } from 'node:fs';
import { encode } from '@msgpack/msgpack';
import t from 'tap';
import { RingwayError } from '../../../../src/core/index.ts';
import { encodeSnappyBlock } from '../../../../src/membership/dskit/index.ts';
import { decodePullReply, encodePullRequest, MAX_REPLY_BYTES } from '../../../../src/membership/sources/gossip/wire/index.ts';
import { decodeLzw } from '../../../../src/membership/sources/gossip/wire/lzw.ts';
import { MsgpackReader } from '../../../../src/membership/sources/gossip/wire/msgpack.ts';
import { encodeLzw } from '../../../support/memberlist-lzw.ts';
import { compressMessage, encodePairs, encodePushPull, encodeStruct } from '../../../support/memberlist-messages.ts';
import { MOMENTS, recordedPull, recordedRing } from '../../../support/recorded-rings.ts';

const WANTED = new Set(['collectors/live-store', 'collectors/livestore-partitions']);
const golden = (name: string): Uint8Array => readFileSync(new URL(`../../../golden/membership/${name}`, import.meta.url));

/** A reply to compare: values as texts, since some are views of a Buffer. */
function content(reply: Uint8Array): unknown {
  const { nodes, pairs } = decodePullReply(reply, WANTED);
  const values = [...pairs.wanted.values()].map(({ key, value, codec }) => [key, codec, Buffer.from(value).toString('hex')]);
  return { nodes, values, otherKeys: pairs.otherKeys };
}

/** What goes wrong with it, or null. */
function failure(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof RingwayError ? `${error.code}: ${error.message}` : `${error}`;
  }
}

t.test('the request: 30 octets without a label, and with one', async (t) => {
  const bare = '02 06 83 a44a6f696e c2 a54e6f646573 00 ac5573657253746174654c656e 00';
  t.equal(Buffer.from(encodePullRequest('')).toString('hex'), bare.replaceAll(' ', ''));
  t.equal(
    Buffer.from(encodePullRequest('tempo.prod')).toString('hex'),
    bare.replace('02 ', '02 f4 0a 74656d706f2e70726f64 ').replaceAll(' ', ''),
  );
});

for (const moment of MOMENTS)
  t.test(`${moment}: the recorded reply has the nodes and the rings of that moment`, async (t) => {
    const { nodes, pairs } = decodePullReply(recordedPull(moment), WANTED);
    const left: readonly string[] = { running: [], 'after-crash': ['127.0.0.14'], 'after-stop': ['127.0.0.12', '127.0.0.14'] }[moment];
    const all = ['11', '12', '13', '14', '21', '31', '51'].map((last) => `127.0.0.${last}`);
    t.strictSame(
      nodes.map(({ host, port }) => `${host} ${port}`).sort(),
      all.filter((host) => !left.includes(host)).map((host) => `${host} 7946`),
    );
    t.strictSame([...pairs.wanted.values()].map(({ key, codec, deleted }) => [key, codec, deleted]).sort(), [
      ['collectors/live-store', 'ringDesc', false],
      ['collectors/livestore-partitions', 'partitionRingDesc', false],
    ]);
    t.strictSame(pairs.otherKeys, []);
    t.ok(recordedRing(moment), 'what the rings are is compared in gossip.test.ts');
  });

t.test('a label header before it, LZW and snappy around it: the same', async (t) => {
  const reply = recordedPull('running');
  const plain = content(reply);
  t.strictSame(content(Buffer.concat([Buffer.of(244, 3), Buffer.from('abc'), reply])), plain);
  for (const compression of ['lzw', 'snappy'] as const) t.strictSame(content(compressMessage(reply, compression)), plain);
  const goLzw = encodeStruct({ Algo: 0, Buf: golden('lzw/push-pull-reply.lzw') });
  t.strictSame(content(Buffer.concat([Buffer.of(9), goLzw])), plain, 'as Go compressed it');
  t.strictSame(content(Buffer.concat([reply, Buffer.from('more')])), plain, 'what comes after it does not matter');
});

t.test('LZW: what Go wrote is read, and what is written here is the same', async (t) => {
  let state = 1;
  const noise = Uint8Array.from({ length: 20_000 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['empty', new Uint8Array()],
    ['zeros', new Uint8Array(100_000)],
    ['noise', noise],
    ['words', Uint8Array.from({ length: 30_000 }, (_, i) => 'live-store-zone-'.charCodeAt((i * i) % 16))],
    ['push-pull-reply', new Uint8Array(recordedPull('running'))],
  ];
  for (const [name, original] of cases) {
    const compressed = golden(`lzw/${name}.lzw`);
    t.equal(Buffer.compare(decodeLzw(compressed, MAX_REPLY_BYTES), original), 0, `${name}: read`);
    t.equal(Buffer.compare(encodeLzw(original), compressed), 0, `${name}: written`);
    if (original.length === 0) continue;
    t.equal(decodeLzw(compressed, original.length).length, original.length, `${name}: as much as is allowed`);
    t.throws(() => decodeLzw(compressed, original.length - 1), {
      code: 'BAD_LZW',
      message: `the LZW data is more than ${original.length - 1} bytes when decoded`,
    });
  }
});

t.test('LZW: codes that mean nothing, and no end', async (t) => {
  const codes = (...list: readonly number[]): Uint8Array => {
    const bits = list.map((code) => code.toString(2).padStart(9, '0')).reverse();
    const whole = bits.join('');
    const octets = whole.padStart(Math.ceil(whole.length / 8) * 8, '0').match(/.{8}/g) ?? [];
    return Uint8Array.from(octets.reverse().map((octet) => Number.parseInt(octet, 2)));
  };
  const read = (...list: readonly number[]): string => Buffer.from(decodeLzw(codes(...list), 1000)).toString();
  t.equal(read(256, 97, 258, 258, 257), 'aaaaa', 'a code that means the piece it is in the middle of');
  t.equal(read(97, 98, 258, 257), 'abab', 'without a clear at the beginning');
  t.equal(read(97, 256, 256, 98, 257), 'ab', 'clears');
  t.equal(
    failure(() => read(256, 258, 257)),
    'BAD_LZW: the LZW data has the code 258 where 257 is the last one known',
  );
  t.equal(
    failure(() => read(256, 97, 259, 257)),
    'BAD_LZW: the LZW data has the code 259 where 258 is the last one known',
  );
  t.equal(
    failure(() => read(256, 97)),
    'BAD_LZW: the LZW data ends without its end code',
  );
  t.equal(
    failure(() => decodeLzw(new Uint8Array(), 9)),
    'BAD_LZW: the LZW data ends without its end code',
  );
});

t.test('MessagePack: octets in each form that Go takes, numbers of each width', async (t) => {
  const octets = (...bytes: readonly number[]): number[] => [...new MsgpackReader(Uint8Array.from(bytes)).bytes()];
  t.strictSame(octets(0xc0), []);
  t.strictSame(octets(0xa0), []);
  t.strictSame(octets(0xa2, 1, 0xff), [1, 0xff]);
  t.strictSame(octets(0xd9, 2, 1, 0xff), [1, 0xff]);
  t.strictSame(octets(0xda, 0, 1, 7), [7]);
  t.strictSame(octets(0xdb, 0, 0, 0, 1, 7), [7]);
  t.strictSame(octets(0xc4, 1, 7), [7]);
  t.strictSame(octets(0xc5, 0, 1, 7), [7]);
  t.strictSame(octets(0xc6, 0, 0, 0, 1, 7), [7]);
  t.strictSame(octets(0x92, 7, 0xcc, 200), [7, 200]);
  t.strictSame(octets(0xdc, 0, 1, 7), [7]);
  t.strictSame(octets(0xdd, 0, 0, 0, 1, 7), [7]);
  for (const value of [0, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])
    t.equal(new MsgpackReader(encode(value)).count(2 ** 53), value);
  for (const bytes of [
    [0xd0, 5],
    [0xd1, 0, 5],
    [0xd2, 0, 0, 0, 5],
    [0xd3, 0, 0, 0, 0, 0, 0, 0, 5],
    [0xcf, 0, 0, 0, 0, 0, 0, 0, 5],
  ])
    t.equal(new MsgpackReader(Uint8Array.from(bytes)).count(5), 5);
});

t.test('MessagePack: everything else is passed over, whatever its depth, and reading stops exactly behind it', async (t) => {
  const other = {
    nothing: null,
    yes: true,
    half: 0.5,
    negative: [-1, -100, -1000, -100_000, -(2 ** 40)],
    deep: [[[[{ a: [{ b: 'c' }] }]]]],
    bytes: new Uint8Array(300),
    long: 'x'.repeat(70_000),
    list: Array.from({ length: 20 }, () => 'y'),
    map: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])),
    when: new Date(0),
  };
  for (const [name, value] of Object.entries(other)) {
    const reader = new MsgpackReader(Buffer.concat([encode({ [name]: value, wanted: 7 }), Buffer.from('rest')]));
    let wanted = 0;
    reader.struct((field) => {
      if (field !== 'wanted') return false;
      wanted = reader.count(9);
      return true;
    });
    t.equal(wanted, 7, name);
    t.equal(Buffer.from(reader.rest()).toString(), 'rest', name);
  }
  const depth = Buffer.concat([Buffer.alloc(20 * 1024 * 1024, 0x91), Buffer.of(1, 2)]);
  const reader = new MsgpackReader(depth);
  const before = process.resourceUsage().maxRSS;
  reader.skip();
  t.equal(reader.count(2), 2);
  t.ok(process.resourceUsage().maxRSS - before < 32 * 1024, 'twenty million levels take no memory');
});

t.test('what is no reply says what it is', async (t) => {
  const reply = recordedPull('running');
  const message = (type: number, fields: Parameters<typeof encodeStruct>[0]): Uint8Array =>
    Buffer.concat([Buffer.of(type), encodeStruct(fields)]);
  const push = (header: Readonly<Record<string, number>>, rest: Uint8Array = new Uint8Array()): Uint8Array =>
    Buffer.concat([message(6, header), rest]);
  const stored = (...pairs: Parameters<typeof encodePairs>[0]): Uint8Array => encodePairs(pairs);
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['nothing', new Uint8Array(), 'the reply is empty'],
    ['only a label', Buffer.of(244, 2, 97, 98), 'the reply is empty'],
    ['half a label', Buffer.of(244, 9, 97), 'the reply is empty'],
    ['an error', message(13, { Error: 'remote state is\n encrypted' }), 'the reply is an error of the peer: "remote state is. encrypted"'],
    ['a long error', message(13, { Error: 'x'.repeat(5000) }), `the reply is an error of the peer: "${'x'.repeat(200)}"`],
    ['an encrypted one', Buffer.of(10, 0, 0, 0, 9), 'the reply is encrypted, which is not supported: no setting of Tempo does that'],
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'the reply is no gossip but begins with "HTTP/1.1 400 Bad Request"'],
    ['a CRC, which streams have not', Buffer.of(12, 1, 2, 3, 4, 6), 'the reply is no gossip but begins with "."'],
    ['an unknown algorithm', message(9, { Algo: 7, Buf: 'x' }), 'the reply is compressed by algorithm 7, known are 0 (LZW) and 1 (snappy)'],
    ['compressed twice', compressMessage(compressMessage(reply, 'lzw'), 'snappy'), 'the reply is no gossip but begins with ".Algo.Buf.'],
    ['truncated LZW', message(9, { Algo: 0, Buf: Uint8Array.of(1) }), 'the LZW data ends without its end code'],
    ['truncated snappy', message(9, { Algo: 1, Buf: Uint8Array.of(5, 0) }), 'the snappy block ends within a literal'],
    ['half a wrapper', compressMessage(reply, 'lzw').subarray(0, 100), 'the reply is cut off'],
    ['only the type', Buffer.of(6), 'the reply is cut off'],
    ['a list', Buffer.of(6, 0x93, 1, 2, 3), 'the reply has the MessagePack octet 0x93 where a map should be'],
    ['a name that is none', Buffer.of(6, 0x81, 0xc3, 1), 'the reply has the MessagePack octet 0xc3 where octets should be'],
    ['half a number', Buffer.of(6, 0x81, 0xcb, 1), 'the reply has the MessagePack octet 0xcb where octets should be'],
    ['an octet of no meaning', Buffer.of(6, 0x81, 0xa1, 97, 0xc1), 'the reply has the MessagePack octet 0xc1 where a value should be'],
    ['too many nodes', push({ Nodes: 10_001 }), 'the reply has the number 10001 where 0 to 10000 are allowed'],
    ['nodes that do not come', push({ Nodes: 5 }), 'the reply is cut off'],
    [
      'a negative number of nodes',
      Buffer.concat([Buffer.of(6, 0x81), Buffer.from('\xa5Nodes\xd0\xff', 'latin1')]),
      'the reply has the number -1 where 0 to 10000 are allowed',
    ],
    [
      'a float',
      Buffer.concat([Buffer.of(6, 0x81), Buffer.from('\xa5Nodes\xca\0\0\0\0', 'latin1')]),
      'the reply has the MessagePack octet 0xca where a whole number should be',
    ],
    [
      'no number',
      Buffer.concat([Buffer.of(6, 0x81), Buffer.from('\xa5Nodes\xc3', 'latin1')]),
      'the reply has the MessagePack octet 0xc3 where a number should be',
    ],
    ['a store that does not come', reply.subarray(0, -1), 'the reply is cut off: 4408 of 4409 bytes of the store came'],
    ['a store beyond all limits', push({ UserStateLen: 22_020_097 }), 'the reply has the number 22020097 where 0 to 22020096 are allowed'],
    ['a store of half a length', push({ UserStateLen: 3 }, Buffer.alloc(3)), 'the store in the reply is cut off within a length'],
    ['half a pair', push({ UserStateLen: 5 }, Buffer.of(0, 0, 0, 2, 8)), 'the store in the reply is cut off within a key and its value'],
    [
      'a pair that is none',
      push({ UserStateLen: 6 }, Buffer.of(0, 0, 0, 2, 10, 9)),
      'the bytes are not a key and its value: premature EOF',
    ],
    [
      'keys without end',
      encodePushPull([], Buffer.alloc(400_004)),
      'the store in the reply has more than the 100000 keys that are allowed',
    ],
  ];
  for (const [name, bytes, expected] of cases) {
    const found = failure(() => decodePullReply(bytes, WANTED)) ?? 'nothing';
    t.ok(found.replace(/^BAD_\w+: /, '').startsWith(expected) && !found.includes('\n'), name, { found, expected });
  }
  const deleted = stored(
    { key: 'collectors/live-store', value: Uint8Array.of(0), codec: 'ringDesc', deleted: true },
    { key: 'other', value: Uint8Array.of(), codec: 'x' },
  );
  t.match(decodePullReply(encodePushPull([], deleted), WANTED), { pairs: { wanted: new Map(), otherKeys: ['other'] } });
});

t.test('every truncation of a recorded reply is refused, compressed or not', async (t) => {
  const reply = recordedPull('running');
  const isTaken = (bytes: Uint8Array): boolean => !failure(() => decodePullReply(bytes, WANTED))?.startsWith('BAD_');
  for (const whole of [reply, compressMessage(reply, 'lzw'), compressMessage(reply, 'snappy')]) {
    const lengths = Array.from({ length: whole.length }, (_, length) => length).filter((length) => length < 1200 || length % 53 === 0);
    t.strictSame(
      lengths.filter((length) => isTaken(whole.subarray(0, length))),
      [],
    );
  }
});

t.test('nodes: those that are alive, at addresses that are some', async (t) => {
  const nodes = [
    { host: '10.0.0.1', port: 7946 },
    { host: '::ffff:10.0.0.2', port: 7946 },
    { host: 'fd00::1', port: 7947 },
    { host: '10.0.0.3', port: 7946, state: 1 },
    { host: '10.0.0.4', port: 7946, state: 2 },
    { host: '10.0.0.5', port: 7946, state: 3 },
    { host: '10.0.0.6', port: 0 },
    { host: new Uint8Array(), port: 7946 },
    { host: Uint8Array.of(1, 2, 3), port: 7946 },
    { host: new Uint8Array(17), port: 7946 },
  ];
  t.strictSame(decodePullReply(encodePushPull(nodes, new Uint8Array()), WANTED).nodes, [
    { host: '10.0.0.1', port: 7946 },
    { host: '10.0.0.2', port: 7946 },
    { host: 'fd00::1', port: 7947 },
  ]);
  const many = Array.from({ length: 200 }, (_, i) => ({ host: `10.0.1.${i}`, port: 7946 }));
  const state = encodePairs([{ key: 'collectors/live-store', value: Uint8Array.of(0), codec: 'ringDesc' }]);
  const reply = decodePullReply(encodePushPull(many, state), WANTED);
  t.equal(reply.nodes.length, 64, 'of many some, and the store behind all of them');
  t.equal(reply.pairs.wanted.size, 1);
});

t.test('bombs are refused early: LZW, snappy, maps and lists of any size', async (t) => {
  const zeros = encodeLzw(new Uint8Array(30 * 1024 * 1024));
  t.ok(zeros.length < 60_000, 'thirty MiB in a few KiB', { length: zeros.length });
  const bombs: readonly (readonly [string, Uint8Array, string])[] = [
    [
      'LZW',
      Buffer.concat([Buffer.of(9), encodeStruct({ Algo: 0, Buf: zeros })]),
      `BAD_LZW: the LZW data is more than ${MAX_REPLY_BYTES} bytes when decoded`,
    ],
    [
      'snappy',
      Buffer.concat([Buffer.of(9), encodeStruct({ Algo: 1, Buf: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0) })]),
      'BAD_SNAPPY: the snappy block is 4294967295 bytes when decoded',
    ],
    [
      'a map of four billion fields',
      Buffer.of(6, 0xdf, 0xff, 0xff, 0xff, 0xff),
      'BAD_GOSSIP: the reply has a map of 4294967295 fields, at most 64 are allowed',
    ],
    [
      'fields without end, their names empty lists',
      Buffer.concat([Buffer.from([6, 0xdf, 0x00, 0xff, 0xff, 0xff]), Buffer.alloc(MAX_REPLY_BYTES, 0x90)]),
      'BAD_GOSSIP: the reply has a map of 16777215 fields, at most 64 are allowed',
    ],
    [
      'a list of 21 million octets',
      Buffer.concat([Buffer.from([9, 0x81, 0xa3, 0x42, 0x75, 0x66, 0xdd, 0x01, 0x40, 0x00, 0x00]), Buffer.alloc(MAX_REPLY_BYTES)]),
      'BAD_LZW: the LZW data ends without its end code',
    ],
    ['four billion octets', Buffer.of(6, 0x81, 0xdb, 0xff, 0xff, 0xff, 0xff), 'BAD_GOSSIP: the reply is cut off'],
    ['a list of four billion octets', Buffer.of(6, 0x81, 0xdd, 0xff, 0xff, 0xff, 0xff), 'BAD_GOSSIP: the reply is cut off'],
    [
      'levels without end',
      Buffer.concat([Buffer.from([6, 0x81, 0xa1, 97]), Buffer.alloc(MAX_REPLY_BYTES, 0xdf)]),
      'BAD_GOSSIP: the reply is cut off',
    ],
    [
      'empty lists without end',
      Buffer.concat([Buffer.from([6, 0x81, 0xa1, 97, 0xdd, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(MAX_REPLY_BYTES, 0x90)]),
      'BAD_GOSSIP: the reply is cut off',
    ],
  ];
  for (const [name, bytes, expected] of bombs) {
    const before = { rssKib: process.resourceUsage().maxRSS, cpu: process.cpuUsage() };
    const found = failure(() => decodePullReply(bytes, WANTED));
    const { user, system } = process.cpuUsage(before.cpu);
    const grownMib = (process.resourceUsage().maxRSS - before.rssKib) / 1024;
    t.ok(found?.startsWith(expected), name, { found, expected });
    t.ok(grownMib < 96 && (user + system) / 1000 < 1500, `${name}: bounded`, { grownMib, ms: (user + system) / 1000 });
  }
});

t.test('what is compressed is decompressed, whatever it is', async (t) => {
  const empty = encodePushPull([], new Uint8Array());
  for (const compression of ['none', 'lzw', 'snappy'] as const)
    t.strictSame(decodePullReply(compressMessage(empty, compression), WANTED).nodes, []);
  t.equal(
    failure(() =>
      decodePullReply(Buffer.concat([Buffer.of(9), encodeStruct({ Algo: 1, Buf: encodeSnappyBlock(new Uint8Array()) })]), WANTED),
    ),
    'BAD_GOSSIP: the reply is empty',
  );
});
