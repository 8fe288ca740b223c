// Rings that somebody made to hurt: each is refused or read in bounded time and memory.
import t, { type Test } from 'tap';
import {
  decodeInstanceRing,
  decodeKeyValuePair,
  decodePartitionRing,
  encodeSnappyBlock,
  MAX_RING_BYTES,
  parsePartitionPage,
  parseRingPage,
} from '../../../src/membership/dskit/index.ts';

const MIB = 1024 * 1024;

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))]);
const field = (tag: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
const repeat = (count: number, ...bytes: readonly number[]): Buffer => Buffer.alloc(count * bytes.length, Buffer.from(bytes));

/** A snappy block of literals only: what a peer sends that does not compress, without the time that compressing takes. */
function stored(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [Buffer.from(varint(bytes.length))];
  for (let at = 0; at < bytes.length; at += 65_536) {
    const chunk = bytes.subarray(at, at + 65_536);
    parts.push(Buffer.from([61 << 2, (chunk.length - 1) & 0xff, (chunk.length - 1) >>> 8]), chunk);
  }
  return Buffer.concat(parts);
}

const partition = (inner: Uint8Array): Buffer => field(0x0a, Buffer.concat([Buffer.from([0x08, 7]), field(0x12, inner)]));
const instance = (inner: Uint8Array): Buffer => field(0x0a, Buffer.concat([field(0x0a, Buffer.from('a')), field(0x12, inner)]));

/** What `work` gives, having checked that it took neither long nor much: ten times what it takes on a slow machine. */
function bounded<T>(t: Test, name: string, work: () => T): T {
  const before = { rssKib: process.resourceUsage().maxRSS, cpu: process.cpuUsage() };
  try {
    return work();
  } finally {
    const { user, system } = process.cpuUsage(before.cpu);
    const grownMib = (process.resourceUsage().maxRSS - before.rssKib) / 1024;
    t.ok(grownMib < 128, `${name}: memory`, { grownMib });
    t.ok((user + system) / 1000 < 3000, `${name}: CPU`, { ms: (user + system) / 1000 });
  }
}

t.test('ten million tokens are passed over, packed and one by one', async (t) => {
  const packed = partition(Buffer.concat([field(0x0a, repeat(10_000_000, 5)), Buffer.from([0x10, 2])]));
  const ring = stored(packed);
  const decoded = bounded(t, 'packed', () => decodePartitionRing(ring));
  t.strictSame([...decoded.partitions.values()], [{ id: 7, state: 'ACTIVE', stateMs: 0 }]);

  const single = stored(partition(Buffer.concat([repeat(10_000_000, 0x08, 5), Buffer.from([0x10, 3])])));
  const again = bounded(t, 'one by one', () => decodePartitionRing(single));
  t.strictSame([...again.partitions.values()], [{ id: 7, state: 'INACTIVE', stateMs: 0 }]);

  const ofInstance = stored(instance(Buffer.concat([field(0x32, repeat(10_000_000, 5)), Buffer.from([0x18, 1])])));
  t.equal(bounded(t, 'of an instance', () => decodeInstanceRing(ofInstance)).get('a')?.state, 'LEAVING');
});

t.test('snappy: literals of one octet each, ten million of them', async (t) => {
  const block = Buffer.concat([Buffer.from(varint(10_000_000)), repeat(10_000_000, 0, 0x41)]);
  const before = process.threadCpuUsage();
  t.throws(() => bounded(t, 'literals', () => decodeInstanceRing(block)), { code: 'BAD_RING_BYTES' });
  t.ok(process.threadCpuUsage(before).user / 1000 < 700, 'a view for each would take longer');
});

t.test('tokens of the usual size, ten million of them, are more than a value may hold', async (t) => {
  const announced = Buffer.from([...varint(50_000_000), 0, 0]);
  t.throws(() => decodePartitionRing(announced), {
    code: 'BAD_SNAPPY',
    message: `the snappy block is 50000000 bytes when decoded, at most ${MAX_RING_BYTES} are allowed`,
  });
});

t.test('millions of entries, of fields of no meaning, of names without end', async (t) => {
  const entries = stored(repeat(5 * MIB, 0x0a, 2, 0x0a, 0));
  t.throws(() => bounded(t, 'entries', () => decodeInstanceRing(entries)), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes hold more than the 100000 entries that are allowed',
  });
  t.throws(() => bounded(t, 'partitions and owners', () => decodePartitionRing(entries)), { code: 'BAD_RING_BYTES' });
  const unknown = stored(repeat(7 * MIB, 0x7a, 1, 0));
  t.throws(() => bounded(t, 'fields', () => decodeInstanceRing(unknown)), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes are not an instance ring: they have fields that no such ring has',
  });
  const inner = stored(instance(repeat(6 * MIB, 0x7a, 1, 0)));
  t.equal(bounded(t, 'fields within', () => decodeInstanceRing(inner)).size, 1);
  const name = Buffer.alloc(20 * MIB, 'x');
  const long = encodeSnappyBlock(field(0x0a, field(0x0a, name)));
  t.throws(() => bounded(t, 'id', () => decodeInstanceRing(long)), {
    code: 'BAD_RING_BYTES',
    message: `the bytes have an id of ${name.length} characters, at most 1024 are allowed`,
  });
  const address = encodeSnappyBlock(instance(field(0x0a, Buffer.alloc(1025, 'x'))));
  t.throws(() => decodeInstanceRing(address), { message: 'the bytes have an address of 1025 characters, at most 1024 are allowed' });
  const zone = encodeSnappyBlock(instance(field(0x3a, Buffer.alloc(1025, 'x'))));
  t.throws(() => decodeInstanceRing(zone), { message: 'the bytes have a zone of 1025 characters, at most 1024 are allowed' });
});

t.test('fields that go beyond their message, and wire types that protobuf 3 has not', async (t) => {
  const cases: readonly (readonly [string, readonly number[], string])[] = [
    ['a message longer than the bytes', [0x0a, 9, 0x0a, 1, 97], 'premature EOF'],
    ['a field longer than its message', [0x0a, 4, 0x12, 5, 0x7a, 3, 0, 0, 0], 'a field goes beyond the end of its message'],
    ['four bytes where two are left', [0x0a, 4, 0x12, 3, 0x7d, 0, 0], 'a field goes beyond the end of its message'],
    ['eight bytes where two are left', [0x0a, 5, 0x12, 3, 0x79, 0, 0], 'a field goes beyond the end of its message'],
    ['a group', [0x0a, 3, 0x12, 1, 0x7b], 'field 15 has the wire type 3'],
    ['a key of another kind', [0x0a, 2, 0x08, 1], 'they have fields that no such ring has'],
    ['a number without end', [0x0a, 15, 0x12, 13, 0x10, ...Array.from({ length: 12 }, () => 0xff)], 'invalid varint'],
  ];
  for (const [name, bytes, reason] of cases)
    t.throws(
      () => decodeInstanceRing(encodeSnappyBlock(Uint8Array.from(bytes))),
      { code: 'BAD_RING_BYTES', message: `the bytes are not an instance ring: ${reason}` },
      name,
    );
});

t.test('times that are none, and values of four and eight bytes where nothing is known', async (t) => {
  const at = (...seconds: number[]): Uint8Array => encodeSnappyBlock(instance(Buffer.from([0x10, ...seconds])));
  t.throws(() => decodeInstanceRing(at(...varint(8_640_000_000_001))), { message: 'the bytes have the impossible time 8640000000001 s' });
  t.equal(decodeInstanceRing(at(...varint(8_640_000_000_000))).get('a')?.heartbeatMs, 8_640_000_000_000_000);
  const padded = instance(Buffer.from([0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x18, 2]));
  t.equal(decodeInstanceRing(encodeSnappyBlock(padded)).get('a')?.state, 'PENDING');
});

t.test('a key and its value: what is in it, and what is none', async (t) => {
  const bytes = Uint8Array.from([0x0a, 1, 0x6b, 0x12, 2, 1, 2, 0x1a, 1, 0x63]);
  t.strictSame(decodeKeyValuePair(bytes), { key: 'k', value: Uint8Array.of(1, 2), codec: 'c', deleted: false });
  t.strictSame(decodeKeyValuePair(Buffer.from([0x20, 1, 0x28, 0x80, 1])).deleted, true);
  t.strictSame(decodeKeyValuePair(new Uint8Array()).key, '');
  t.throws(() => decodeKeyValuePair(Buffer.from([0x0a, 5, 97])), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes are not a key and its value: premature EOF',
  });
  const unknown = repeat(10_000_000, 0x38, 1);
  t.equal(bounded(t, 'fields of no meaning', () => decodeKeyValuePair(unknown)).key, '');
});

t.test('pages in JSON: what is wrong with a million entries is not listed, and nobody makes an object for each', async (t) => {
  const list = (key: string, count: number, entry: string): string => `{"${key}":[${Array(count).fill(entry).join(',')}]}`;
  const pages: readonly (readonly [string, RegExp, () => unknown])[] = [
    ['mistakes', /shards\.0\.id: Invalid input/, () => parseRingPage(list('shards', 100_000, '{}'))],
    ['too many mistakes', /it has 300000 entries, at most 100000 are allowed/, () => parseRingPage(list('shards', 300_000, '{}'))],
    ['objects', /it has more parts than any ring/, () => parsePartitionPage(list('partitions', 7_000_000, '{}'))],
    ['lists', /it has more parts than any ring/, () => parsePartitionPage('['.repeat(MAX_RING_BYTES))],
    ['texts', /it has more parts than any ring/, () => parsePartitionPage(list('partitions', 5_000_000, '"a"'))],
    [
      'owners',
      /it has 500001 entries, at most 100000 are allowed/,
      () =>
        parsePartitionPage(
          `{"partitions":[{"id":0,"state":2,"state_timestamp":"2026-11-21T11:35:15Z",${list('owner_ids', 500_000, '"a"').slice(1)}]}`,
        ),
    ],
    [
      'owners that are none',
      /partitions\.0\.owner_ids: Invalid input: expected names of owners/,
      () =>
        parsePartitionPage(
          `{"partitions":[{"id":0,"state":2,"state_timestamp":"2026-11-21T11:35:15Z",${list('owner_ids', 5_000_000, '1').slice(1)}]}`,
        ),
    ],
    [
      'a long id',
      /shards\.0\.id: Too big/,
      () => parseRingPage(`{"shards":[{"id":"${'a'.repeat(1025)}","state":"ACTIVE","address":"","timestamp":"2026-11-21T11:35:15Z"}]}`),
    ],
  ];
  for (const [name, message, parse] of pages) t.throws(() => bounded(t, name, parse), { code: 'BAD_RING_JSON', message }, name);
});
