import t from 'tap';
import {
  decodeInstanceRing,
  decodePartitionRing,
  decodeSnappyBlock,
  encodeInstanceRing,
  encodePartitionRing,
  encodeSnappyBlock,
  type Instance,
  type InstanceRing,
  joinRings,
  mergeInstanceRings,
  mergePartitionRings,
  type Owner,
  type PartitionRing,
  parsePartitionPage,
  parseRingPage,
  type RingPartition,
} from '../../../src/membership/dskit/index.ts';
import { recordedRing } from '../../support/recorded-rings.ts';

const instance = (id: string, fields: Partial<Instance> = {}): Instance => ({
  id,
  address: '10.0.0.1:9096',
  zone: 'zone-a',
  state: 'ACTIVE',
  heartbeatMs: 100_000,
  registeredMs: 50_000,
  ...fields,
});
const instances = (...list: Instance[]): InstanceRing => new Map(list.map((entry) => [entry.id, entry]));
const partitionRing = (partitions: RingPartition[], owners: Owner[]): PartitionRing => ({
  partitions: new Map(partitions.map((entry) => [entry.id, entry])),
  owners: new Map(owners.map((entry) => [entry.id, entry])),
});

t.test('snappy: literals of every length, and copies that overlap', async (t) => {
  const block = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
  t.strictSame(decodeSnappyBlock(block(0)), new Uint8Array());
  t.equal(Buffer.from(decodeSnappyBlock(block(5, 16, 104, 101, 108, 108, 111))).toString(), 'hello');
  t.equal(Buffer.from(decodeSnappyBlock(block(10, 4, 97, 98, 0b000_100_01, 2))).toString(), 'ababababab', 'offset 2, length 8, one byte');
  t.equal(Buffer.from(decodeSnappyBlock(block(4, 0, 97, 0b000010_10, 1, 0))).toString(), 'aaaa', 'two bytes of offset');
  t.equal(Buffer.from(decodeSnappyBlock(block(4, 0, 97, 0b000010_11, 1, 0, 0, 0))).toString(), 'aaaa', 'four bytes of offset');
  for (const size of [60, 61, 256, 257, 65_536, 65_537, 100_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7919) % 251);
    t.strictSame(decodeSnappyBlock(encodeSnappyBlock(bytes)), bytes, `${size} bytes`);
  }
});

t.test('snappy: what is no block says why', async (t) => {
  const cases: readonly (readonly [string, readonly number[], string])[] = [
    ['nothing', [], 'ends within its length'],
    ['a length without end', [0x80, 0x80], 'ends within its length'],
    ['a length beyond 32 bits', [0xff, 0xff, 0xff, 0xff, 0xff, 1], 'has no valid length'],
    ['only a length', [5], 'ends after 0 of 5 bytes'],
    ['a short literal', [5, 16, 104], 'ends within a literal'],
    ['a literal of negative length to a 32-bit reader', [5, 0xfc, 0xfa, 0xff, 0xff, 0xff], 'ends within a literal'],
    ['half a tag', [5, 0, 97, 0b000010_10, 1], 'ends within a tag'],
    ['a copy from before the beginning', [5, 0, 97, 0b000_000_01, 2], 'refers to bytes before its beginning'],
    ['a copy from nowhere', [5, 0, 97, 0b000_000_01, 0], 'refers to bytes before its beginning'],
    ['more than announced', [1, 4, 97, 98], 'holds more than the 1 bytes it announces'],
    ['too much', [0x81, 0x80, 0x80, 0x0b], 'is 23068673 bytes when decoded, at most 22020096 are allowed'],
  ];
  for (const [name, bytes, reason] of cases)
    t.throws(() => decodeSnappyBlock(Uint8Array.from(bytes)), { code: 'BAD_SNAPPY', message: `the snappy block ${reason}` }, name);
});

t.test('every truncation of recorded bytes is refused', async (t) => {
  const { instanceBytes, partitionBytes } = recordedRing('running');
  for (let length = 0; length < instanceBytes.length; length += 1)
    t.throws(() => decodeInstanceRing(instanceBytes.subarray(0, length)), { code: 'BAD_SNAPPY' });
  for (let length = 0; length < partitionBytes.length; length += 97)
    t.throws(() => decodePartitionRing(partitionBytes.subarray(0, length)), { code: 'BAD_SNAPPY' });
});

t.test('bytes that are something else are refused, an empty ring is not', async (t) => {
  const snappy = (text: string): Uint8Array => encodeSnappyBlock(Buffer.from(text, 'latin1'));
  t.strictSame(decodeInstanceRing(Uint8Array.of(0)), new Map());
  t.strictSame(decodePartitionRing(Uint8Array.of(0)), { partitions: new Map(), owners: new Map() });
  const { partitionBytes, instanceBytes } = recordedRing('running');
  t.throws(() => decodeInstanceRing(snappy('hello, world')), { code: 'BAD_RING_BYTES', message: /^the bytes are not an instance ring: / });
  t.throws(() => decodeInstanceRing(snappy('\0\0\0')), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes are not an instance ring: they have fields that no such ring has',
  });
  t.throws(() => decodeInstanceRing(partitionBytes), { code: 'BAD_RING_BYTES' });
  t.throws(() => decodePartitionRing(instanceBytes), { code: 'BAD_RING_BYTES' });
  t.throws(() => decodeInstanceRing(snappy('\x0a\x08\x0a\x01a\x12\x03\x4a\x01b')), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes are not an instance ring: entry "a" calls itself "b"',
  });
  t.throws(() => decodeInstanceRing(snappy('\x0a\x07\x0a\x01a\x12\x02\x18\x09')), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes have the unknown state 9 of instance "a", known are 0 to 4',
  });
  t.throws(() => decodeInstanceRing(snappy('\x0a\x10\x0a\x01a\x12\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01')), {
    code: 'BAD_RING_BYTES',
    message: 'the bytes have the impossible time -1 s',
  });
});

t.test('what is encoded is decoded, without a registration and without an id of its own too', async (t) => {
  const ring = instances(instance('a', { registeredMs: null, zone: '' }), instance('b', { state: 'LEFT' }), instance('__proto__'));
  t.strictSame(decodeInstanceRing(encodeInstanceRing(ring)), ring);
  const partitions = partitionRing(
    [
      { id: 0, state: 'UNKNOWN', stateMs: 0 },
      { id: 7, state: 'DELETED', stateMs: 9000 },
    ],
    [
      { id: 'a', partition: 7, state: 'DELETED', updatedMs: 5000 },
      { id: 'b', partition: 0, state: 'UNKNOWN', updatedMs: 0 },
    ],
  );
  t.strictSame(decodePartitionRing(encodePartitionRing(partitions)), partitions);
  t.strictSame(decodeInstanceRing(encodeSnappyBlock(Buffer.from('\x0a\x05\x0a\x01a\x12\x00', 'latin1'))).get('a'), {
    id: 'a',
    address: '',
    zone: '',
    state: 'ACTIVE',
    heartbeatMs: 0,
    registeredMs: null,
  });
});

t.test('the ring page: none, UNHEALTHY, the zero time, texts that are no page', async (t) => {
  t.strictSame(parseRingPage('{"shards":null,"now":"2026-11-21T11:36:09Z"}'), new Map());
  const shard = { id: 'a', state: 'UNHEALTHY', address: '10.0.0.1:1', timestamp: '2026-11-21T11:36:05.5Z', zone: 'z', tokens: null };
  t.strictSame(parseRingPage(JSON.stringify({ shards: [{ ...shard, registered_timestamp: '0001-01-01T00:00:00Z' }] })).get('a'), {
    id: 'a',
    address: '10.0.0.1:1',
    zone: 'z',
    state: 'ACTIVE',
    heartbeatMs: 1_795_260_965_500,
    registeredMs: null,
  });
  t.throws(() => parseRingPage('<html>'), { code: 'BAD_RING_JSON', message: /^the JSON is not the instance ring page: Unexpected token/ });
  t.throws(() => parseRingPage('{}'), { code: 'BAD_RING_JSON', message: /^the JSON is not the instance ring page: shards: / });
  t.throws(() => parseRingPage(JSON.stringify({ shards: [{ ...shard, timestamp: 'yesterday' }] })), {
    code: 'BAD_RING_JSON',
    message: 'the JSON is not the instance ring page: shards.0.timestamp: "yesterday" is not a time',
  });
  t.throws(() => parseRingPage(JSON.stringify({ shards: [{ ...shard, state: 'WEIRD' }] })), { code: 'BAD_RING_JSON' });
  t.throws(() => parseRingPage('[]'), { code: 'BAD_RING_JSON' });
  t.throws(() => parseRingPage('null'), { code: 'BAD_RING_JSON' });
});

t.test('the partition page: none, corrupted, without owners', async (t) => {
  t.strictSame(parsePartitionPage('{"partitions":null}'), { partitions: new Map(), owners: new Map() });
  const page = {
    partitions: [
      { id: 3, corrupted: false, state: 1, state_timestamp: '2026-11-21T11:35:15Z', owner_ids: null, tokens: [1] },
      { id: 4, corrupted: true, state: 0, state_timestamp: '0001-01-01T00:00:00Z', owner_ids: ['a'], tokens: null },
    ],
  };
  t.strictSame(parsePartitionPage(JSON.stringify(page)), partitionRing([{ id: 3, state: 'PENDING', stateMs: 1_795_260_915_000 }], []));
  t.throws(() => parsePartitionPage('{"partitions":[{"id":0,"state":5}]}'), { code: 'BAD_RING_JSON' });
});

t.test('peers: the newer heartbeat wins, a tie is LEFT', async (t) => {
  const cases: readonly (readonly [string, Instance, Instance, Instance])[] = [
    [
      'newer',
      instance('a', { heartbeatMs: 1000 }),
      instance('a', { heartbeatMs: 2000, state: 'LEAVING' }),
      instance('a', { heartbeatMs: 2000, state: 'LEAVING' }),
    ],
    [
      'newer beats LEFT',
      instance('a', { heartbeatMs: 2000 }),
      instance('a', { heartbeatMs: 1000, state: 'LEFT' }),
      instance('a', { heartbeatMs: 2000 }),
    ],
    ['tie', instance('a'), instance('a', { state: 'LEFT' }), instance('a', { state: 'LEFT' })],
    ['tie of a page that hides the state', instance('a'), instance('a', { state: 'LEAVING' }), instance('a', { state: 'LEAVING' })],
  ];
  for (const [name, one, other, expected] of cases) {
    t.strictSame(mergeInstanceRings([instances(one), instances(other)]), instances(expected), name);
    t.strictSame(mergeInstanceRings([instances(other), instances(one)]), instances(expected), `${name}, turned round`);
  }
  t.strictSame(mergeInstanceRings([]), new Map());
  t.strictSame([...mergeInstanceRings([instances(instance('b')), instances(instance('a'))]).keys()], ['a', 'b']);
});

t.test('peers: partitions by the time of their state, owners by their update, a tie is DELETED', async (t) => {
  const old = partitionRing([{ id: 0, state: 'PENDING', stateMs: 1000 }], [{ id: 'a', partition: 0, state: 'ACTIVE', updatedMs: 1000 }]);
  const newer = partitionRing([{ id: 0, state: 'ACTIVE', stateMs: 2000 }], [{ id: 'a', partition: 0, state: 'DELETED', updatedMs: 1000 }]);
  t.strictSame(mergePartitionRings([old, newer]), newer);
  t.strictSame(mergePartitionRings([newer, old]), newer);
  const gone = partitionRing([{ id: 0, state: 'DELETED', stateMs: 2000 }], []);
  t.strictSame(mergePartitionRings([newer, gone]).partitions.get(0)?.state, 'DELETED');
});

t.test('the join: an owner without an instance stays an owner, a DELETED owner and one of no partition own nothing', async (t) => {
  const joined = joinRings(
    instances(instance('b'), instance('a'), instance('c'), instance('d', { state: 'LEFT' })),
    partitionRing(
      [
        { id: 1, state: 'DELETED', stateMs: 0 },
        { id: 0, state: 'INACTIVE', stateMs: 0 },
      ],
      [
        { id: 'b', partition: 0, state: 'ACTIVE', updatedMs: 0 },
        { id: 'a', partition: 0, state: 'DELETED', updatedMs: 0 },
        { id: 'c', partition: 9, state: 'ACTIVE', updatedMs: 0 },
        { id: 'd', partition: 1, state: 'UNKNOWN', updatedMs: 0 },
        { id: 'away', partition: 0, state: 'ACTIVE', updatedMs: 0 },
      ],
    ),
  );
  t.strictSame(
    joined.members.map(({ id, partition, state }) => [id, partition, state]),
    [
      ['a', null, 'ACTIVE'],
      ['b', 0, 'ACTIVE'],
      ['c', null, 'ACTIVE'],
      ['d', 1, 'LEFT'],
    ],
  );
  t.strictSame(joined.partitions, [
    { id: 0, state: 'INACTIVE', owners: ['away', 'b'] },
    { id: 1, state: 'DELETED', owners: ['d'] },
  ]);
  t.strictSame(joinRings(instances(instance('a')), null), { members: [{ ...instance('a'), partition: null }], partitions: [] });
});
