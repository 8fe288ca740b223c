import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import t from 'tap';
import { RingwayError } from '../../src/core/index.ts';
import { PartitionRingDesc } from '../../src/gen/dskit/partition_ring.ts';
import { Desc } from '../../src/gen/dskit/ring.ts';
import {
  decodeInstanceRing,
  decodeKeyValuePair,
  decodePartitionRing,
  decodeSnappyBlock,
  encodeSnappyBlock,
  type Instance,
  type InstanceRing,
  joinRings,
  mergeInstanceRings,
} from '../../src/membership/dskit/index.ts';
import { createGossipSource } from '../../src/membership/sources/gossip/index.ts';
import { Knowledge } from '../../src/membership/sources/gossip/knowledge.ts';
import { decodePullReply } from '../../src/membership/sources/gossip/wire/index.ts';
import { decodeLzw } from '../../src/membership/sources/gossip/wire/lzw.ts';
import { MsgpackReader } from '../../src/membership/sources/gossip/wire/msgpack.ts';
import type { SourceReport } from '../../src/membership/types.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { encodeLzw } from '../support/memberlist-lzw.ts';
import { compressMessage } from '../support/memberlist-messages.ts';
import { startMemberlistPeer } from '../support/memberlist-peer.ts';
import { recordedPull, recordedRing } from '../support/recorded-rings.ts';
import { sourceDeps } from '../support/source-deps.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

function check<T>(property: fc.IRawProperty<T>, numRuns = 500): void {
  fc.assert(property, { seed, numRuns });
}

/** True when `read` gives a value or one of our errors in one short line. */
function answers(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return error instanceof RingwayError && !error.message.includes('\n') && error.message.length < 1000;
  }
}

const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };
const WANTED = new Set(Object.values(KEYS));
const REPLY = recordedPull('running');

/** Bytes with some of them replaced, removed or added. */
function spoilt(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(bytes.length), cut: fc.nat(3), put: fc.uint8Array({ maxLength: 4 }) });
  return fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) =>
    edits.reduce<Uint8Array>((spoiling, { at, cut, put }) => {
      const place = Math.min(at, spoiling.length);
      return Buffer.concat([spoiling.subarray(0, place), put, spoiling.subarray(place + cut)]);
    }, bytes),
  );
}

const repetitive = fc
  .array(fc.record({ piece: fc.uint8Array({ minLength: 1, maxLength: 9 }), times: fc.integer({ min: 1, max: 400 }) }), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts.flatMap(({ piece, times }) => Array.from({ length: times }, () => piece))));

t.test('LZW: what is compressed is decompressed', async () => {
  check(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 3000 }), repetitive),
      (bytes) => Buffer.compare(decodeLzw(encodeLzw(bytes), bytes.length), bytes) === 0,
    ),
    300,
  );
});

t.test('LZW: any bytes are decompressed within the limit, or refused', async () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    repetitive.chain((bytes) => spoilt(encodeLzw(bytes))),
  );
  check(
    fc.property(any, (bytes) =>
      answers(() => {
        if (decodeLzw(bytes, 5000).length > 5000) throw new Error('too much');
      }),
    ),
  );
});

t.test('replies: any bytes, and recorded ones that were spoilt, are read or refused', async () => {
  check(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => answers(() => decodePullReply(bytes, WANTED))));
  const prefixed = fc
    .tuple(fc.constantFrom(6, 9, 10, 13, 244), fc.uint8Array({ maxLength: 200 }))
    .map(([type, rest]) => Buffer.from([type, ...rest]));
  check(fc.property(prefixed, (bytes) => answers(() => decodePullReply(bytes, WANTED))));
  for (const compression of ['none', 'lzw', 'snappy'] as const)
    check(
      fc.property(spoilt(compressMessage(REPLY, compression)), (bytes) => answers(() => decodePullReply(bytes, WANTED))),
      300,
    );
});

t.test('rings and pairs: any protobuf, and recorded ones that were spoilt, are read or refused', async () => {
  const { instanceBytes, partitionBytes } = recordedRing('running');
  const inner = [decodeSnappyBlock(instanceBytes), decodeSnappyBlock(partitionBytes).subarray(0, 4000)];
  const any = fc.oneof(fc.uint8Array({ maxLength: 100 }), ...inner.map(spoilt));
  check(
    fc.property(
      any,
      (bytes) =>
        answers(() => decodeInstanceRing(encodeSnappyBlock(bytes))) && answers(() => decodePartitionRing(encodeSnappyBlock(bytes))),
    ),
  );
  check(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => answers(() => decodeKeyValuePair(bytes))));
});

const seconds = fc.bigInt({ min: 0n, max: 2n ** 40n });
const tokens = fc.array(fc.nat(2 ** 31 - 1), { maxLength: 20 });

t.test('rings: what the generated codec writes, tokens and all, is read as what was meant', async () => {
  const instance = fc.record({
    addr: fc.string(),
    timestamp: seconds,
    state: fc.constantFrom(0, 1, 2, 3, 4),
    tokens,
    zone: fc.string({ unit: 'grapheme' }),
    registeredTimestamp: seconds,
    readOnlyUpdatedTimestamp: seconds,
    readOnly: fc.boolean(),
    versions: fc.constant(new Map([[1n, 2n]])),
  });
  check(
    fc.property(fc.dictionary(fc.string(), instance), (instances) => {
      const ingesters = new Map(Object.entries(instances).map(([id, desc]) => [id, { ...desc, id }] as const));
      const decoded = decodeInstanceRing(encodeSnappyBlock(Desc.encode({ ingesters: new Map(ingesters) } as Desc).finish()));
      return (
        decoded.size === ingesters.size &&
        [...ingesters].every(([id, { addr, timestamp, zone, registeredTimestamp }]) => {
          const found = decoded.get(id);
          const { address, heartbeatMs, registeredMs } = found as Instance;
          return (
            address === addr &&
            found?.zone === zone &&
            heartbeatMs === Number(timestamp) * 1000 &&
            (registeredMs ?? 0) === Number(registeredTimestamp) * 1000
          );
        })
      );
    }),
    200,
  );
  const partition = fc.record({
    id: fc.constant(0),
    tokens,
    state: fc.constantFrom(0, 1, 2, 3, 4),
    stateTimestamp: seconds,
    stateChangeLocked: fc.boolean(),
    stateChangeLockedTimestamp: seconds,
  });
  const owner = fc.record({ ownedPartition: fc.integer(), state: fc.constantFrom(0, 1, 2), updatedTimestamp: seconds });
  const partitions = fc.uniqueArray(fc.tuple(fc.integer(), partition), { selector: ([id]) => id, maxLength: 8 });
  check(
    fc.property(partitions, fc.dictionary(fc.string(), owner), (list, owners) => {
      const message = { partitions: new Map(list), owners: new Map(Object.entries(owners)) } as PartitionRingDesc;
      const decoded = decodePartitionRing(encodeSnappyBlock(PartitionRingDesc.encode(message).finish()));
      return (
        list.every(([id, { stateTimestamp }]) => decoded.partitions.get(id)?.stateMs === Number(stateTimestamp) * 1000) &&
        Object.entries(owners).every(([id, { ownedPartition }]) => decoded.owners.get(id)?.partition === ownedPartition) &&
        decoded.partitions.size === list.length &&
        decoded.owners.size === Object.keys(owners).length
      );
    }),
    200,
  );
});

t.test('MessagePack: any value is passed over, and reading goes on exactly behind it', async () => {
  const value = fc.oneof(
    fc.object({
      withTypedArray: false,
      values: [fc.boolean(), fc.string(), fc.double(), fc.maxSafeInteger(), fc.constant(null), fc.uint8Array()],
    }),
    fc.array(fc.string()),
  );
  check(
    fc.property(value, fc.nat(), (skipped, next) => {
      const reader = new MsgpackReader(Buffer.concat([encode(skipped), encode(next)]));
      reader.skip();
      return reader.count(2 ** 32) === next && reader.rest().length === 0;
    }),
  );
  check(
    fc.property(
      fc.uint8Array({ maxLength: 50 }),
      (bytes) =>
        answers(() => new MsgpackReader(bytes).skip()) &&
        answers(() => new MsgpackReader(bytes).bytes()) &&
        answers(() => new MsgpackReader(bytes).count(9)),
    ),
  );
});

t.test('what is known is what was said within the time, the newest of each', async () => {
  const instance = fc.record({
    id: fc.constantFrom('a', 'b', 'c', '__proto__'),
    address: fc.constantFrom('10.0.0.1:1', '10.0.0.2:1'),
    zone: fc.constant(''),
    state: fc.constantFrom('ACTIVE', 'LEAVING', 'LEFT'),
    heartbeatMs: fc.nat(5),
    registeredMs: fc.constant(null),
  }) as fc.Arbitrary<Instance>;
  const ring = fc
    .uniqueArray(instance, { selector: ({ id }) => id })
    .map((list): InstanceRing => new Map(list.map((one) => [one.id, one])));
  check(
    fc.property(fc.array(fc.record({ ring, pauseMs: fc.nat(20) }), { minLength: 1, maxLength: 12 }), (saying) => {
      const knowledge = new Knowledge();
      const said: { ring: InstanceRing; atMs: number }[] = [];
      let nowMs = 0;
      for (const { ring: spoken, pauseMs } of saying) {
        nowMs += pauseMs;
        const before = JSON.stringify(knowledge.join().members.map((member) => ({ ...member, heartbeatMs: 0 })));
        const isNews = knowledge.learn(spoken, null, nowMs);
        const after = JSON.stringify(knowledge.join().members.map((member) => ({ ...member, heartbeatMs: 0 })));
        if (isNews !== (before !== after)) return false;
        said.push({ ring: spoken, atMs: nowMs });
      }
      const lately = said.filter(({ atMs }) => atMs >= nowMs - 30).map((one) => one.ring);
      knowledge.forget(nowMs - 30);
      const expected = joinRings(mergeInstanceRings(lately), null);
      return JSON.stringify(knowledge.join()) === JSON.stringify(expected);
    }),
  );
});

t.test('a source says members or one line, whatever a peer sends and in whatever pieces', async (t) => {
  const peer = await startMemberlistPeer(t);
  const read = async (reply: Uint8Array, sizes: readonly number[]): Promise<SourceReport> => {
    peer.answer = (socket) => {
      let at = 0;
      const next = (i: number): void => {
        if (at >= reply.length) return void socket.end();
        const size = sizes[i % sizes.length] ?? reply.length;
        socket.write(reply.subarray(at, at + size), () => setImmediate(next, i + 1));
        at += size;
      };
      next(0);
    };
    const abort = new AbortController();
    const options = {
      name: 'gossip',
      ring: 'r',
      seeds: [peer.address],
      everyMs: 1000,
      timeoutMs: 2000,
      clusterLabel: '',
      keys: KEYS,
      tls: null,
    };
    try {
      for await (const report of createGossipSource(options, sourceDeps(new FakeClock())).watch(abort.signal)) return report;
    } finally {
      abort.abort();
    }
    throw new Error('the stream ended');
  };
  const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });
  const whole = JSON.stringify(await read(REPLY, [REPLY.length]));
  const compression = fc.constantFrom('none', 'lzw', 'snappy');
  await fc.assert(
    fc.asyncProperty(compression, sizes, async (how, pieces) => JSON.stringify(await read(compressMessage(REPLY, how), pieces)) === whole),
    { seed, numRuns: 30 },
  );
  await fc.assert(
    fc.asyncProperty(
      compression.chain((how) => spoilt(compressMessage(REPLY, how))),
      sizes,
      async (reply, pieces) => {
        const report = await read(reply, pieces);
        return report.kind === 'members' || !report.error.message.includes('\n');
      },
    ),
    { seed, numRuns: 60 },
  );
});
