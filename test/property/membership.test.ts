import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { compress, uncompress } from 'snappyjs';
import t from 'tap';
import { stringify } from 'yaml';
import { ConfigError, createConfig, parseConfig } from '../../src/config/index.ts';
import { RingwayError } from '../../src/core/index.ts';
import {
  decodeInstanceRing,
  decodePartitionRing,
  decodeSnappyBlock,
  encodeInstanceRing,
  encodePartitionRing,
  encodeSnappyBlock,
  type InstanceRing,
  joinRings,
  mergeInstanceRings,
  mergePartitionRings,
  type PartitionRing,
  parsePartitionPage,
  parseRingPage,
} from '../../src/membership/dskit/index.ts';
import {
  createAddressJudge,
  createAddressPolicy,
  diffRings,
  isSameContent,
  mergeRing,
  type SourceState,
} from '../../src/membership/index.ts';
import type { Member, MemberState, Ring } from '../../src/membership/types.ts';
import { mergeInput, NOW_MS, POLICY } from '../support/membership.ts';
import { recordedRing } from '../support/recorded-rings.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

function check<T>(property: fc.IRawProperty<T>, numRuns = 300): void {
  fc.assert(property, { seed, numRuns });
}

/** Plain objects only: without a prototype they are no model of ours. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

/** True when `read` gives a value or one of our errors in one line. */
function answers(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return error instanceof RingwayError && !error.message.includes('\n');
  }
}

const ids = fc.constantFrom('a', 'b', 'c', 'd', '__proto__');
const STATES: readonly MemberState[] = ['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT'];
const states = fc.constantFrom(...STATES);
const times = fc.integer({ min: 0, max: 4 }).map((seconds) => NOW_MS - 100_000 + seconds * 1000);
const addresses = fc.constantFrom('10.0.0.1:1', '10.0.0.2:1', 'x.example:1', '127.0.0.1:1', '', 'nonsense');

const instanceRings: fc.Arbitrary<InstanceRing> = fc
  .uniqueArray(
    record({
      id: ids,
      address: addresses,
      zone: fc.constantFrom('', 'x', 'y'),
      state: states,
      heartbeatMs: times,
      registeredMs: fc.option(times),
    }),
    {
      selector: ({ id }) => id,
    },
  )
  .map((list) => new Map(list.map((instance) => [instance.id, instance])));

const partitionRings: fc.Arbitrary<PartitionRing> = fc
  .record({
    partitions: fc.uniqueArray(
      record({ id: fc.nat(3), state: fc.constantFrom('UNKNOWN', 'PENDING', 'ACTIVE', 'INACTIVE', 'DELETED'), stateMs: times }),
      { selector: ({ id }) => id },
    ),
    owners: fc.uniqueArray(
      record({ id: ids, partition: fc.nat(3), state: fc.constantFrom('UNKNOWN', 'ACTIVE', 'DELETED'), updatedMs: times }),
      { selector: ({ id }) => id },
    ),
  })
  .map(({ partitions, owners }) => ({
    partitions: new Map(partitions.map((one) => [one.id, one])),
    owners: new Map(owners.map((one) => [one.id, one])),
  }));

const reports: fc.Arbitrary<Member[]> = fc.uniqueArray(
  record({
    id: ids,
    address: addresses,
    zone: fc.constantFrom('', 'x', 'y'),
    partition: fc.option(fc.nat(3)),
    state: states,
    heartbeatMs: fc.option(times),
    registeredMs: fc.option(times),
  }),
  { selector: ({ id }) => id },
);

const sourceStates: fc.Arbitrary<SourceState[]> = fc
  .array(record({ members: fc.option(reports), failedForMs: fc.option(fc.constantFrom(0, 1000, 600_000)) }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((list) =>
    list.map(({ members, failedForMs }, i) => ({
      name: `source-${i}`,
      report: members === null ? null : { kind: 'members', ring: 'live-store', members, partitions: [], asOfMs: NOW_MS - 5000 },
      failure: failedForMs === null ? null : { sinceMs: NOW_MS - failedForMs, error: 'down' },
    })),
  );

const anyText = fc.oneof(
  fc.string(),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('{"shards":', '[1', '&a [*a]', '? ', '!!x y', '\t- a', '%YAML 9', 'a: 1\n---\nb', '*a', '? [a]\n: 1', '{|['),
);

t.test('snappy: what is encoded is decoded, as snappyjs does', async () => {
  const texts = fc.array(fc.constantFrom(0, 1, 97, 98), { maxLength: 400 }).map((list) => Uint8Array.from(list));
  check(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), texts), (bytes) => {
      const block = encodeSnappyBlock(bytes);
      return (
        Buffer.compare(decodeSnappyBlock(block), bytes) === 0 && Buffer.compare(uncompress(compress(bytes)), decodeSnappyBlock(block)) === 0
      );
    }),
  );
});

t.test('no bytes crash the decoders', async () => {
  const { instanceBytes, partitionBytes } = recordedRing('after-stop');
  const damaged = (bytes: Uint8Array) =>
    fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((edits) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of edits) copy[at] = value;
      return copy;
    });
  const inner = fc.uint8Array({ maxLength: 200 }).map(encodeSnappyBlock);
  const innerDamaged = damaged(decodeSnappyBlock(instanceBytes)).map(encodeSnappyBlock);
  const any = fc.oneof(fc.uint8Array({ maxLength: 200 }), inner, innerDamaged, damaged(instanceBytes), damaged(partitionBytes));
  check(
    fc.property(any, (bytes) => answers(() => decodeInstanceRing(bytes)) && answers(() => decodePartitionRing(bytes))),
    1000,
  );
});

t.test('no text crashes the readers of pages', async () => {
  const pages = [parseRingPage, parsePartitionPage];
  check(fc.property(anyText, (text) => pages.every((parse) => answers(() => parse(text)))));
  const likely = fc.dictionary(
    fc.constantFrom('shards', 'partitions', 'ingesters', 'owners', '__proto__'),
    fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(fc.constantFrom('id', 'state', 'address', 'timestamp', 'owner_ids'), fc.jsonValue()))),
  );
  check(fc.property(likely, (value) => pages.every((parse) => answers(() => parse(JSON.stringify(value))))));
});

t.test('no configuration crashes the reader, and every problem is a line of the file', async () => {
  const keys = fc.constantFrom(
    'rings',
    'live-store',
    'sources',
    'tempo',
    'static',
    'urls',
    'every',
    'file',
    'control',
    'xds',
    'listen',
    'admin',
    'x',
    '__proto__',
  );
  const values = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue(),
      fc.constantFrom('1s', ':1', 'http://a:1', '10.0.0.0/8', true),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(keys, tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  const problemsIn = (read: () => unknown): readonly string[] => {
    try {
      read();
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  };
  const isLine = (problem: string): boolean => /^ringway\.yaml:[1-9]\d*: [^\n]+$/.test(problem);
  check(fc.property(values, (value) => problemsIn(() => parseConfig('ringway.yaml', stringify(value))).every(isLine)));
  check(fc.property(values, (value) => problemsIn(() => createConfig('flags', value)).every((problem) => /^flags: [^\n]+$/.test(problem))));
  check(fc.property(anyText, (text) => problemsIn(() => parseConfig('ringway.yaml', text)).every(isLine)));
});

t.test('merging peers does not depend on their order, and peers that say the same change nothing', async () => {
  check(
    fc.property(
      fc.array(instanceRings, { minLength: 1, maxLength: 3 }),
      fc.array(partitionRings, { minLength: 1, maxLength: 3 }),
      (instances, partitions) => {
        const [a, b] = [mergeInstanceRings(instances), mergePartitionRings(partitions)];
        return (
          isDeepStrictEqual([...mergeInstanceRings(instances.toReversed())], [...a]) &&
          isDeepStrictEqual([...mergeInstanceRings([a, ...instances])], [...a]) &&
          isDeepStrictEqual([...mergeInstanceRings([mergeInstanceRings(instances.slice(1)), ...instances.slice(0, 1)])], [...a]) &&
          isDeepStrictEqual(mergePartitionRings(partitions.toReversed()), b) &&
          isDeepStrictEqual(mergePartitionRings([b, ...partitions]), b)
        );
      },
    ),
  );
});

t.test('rings survive their bytes', async () => {
  check(
    fc.property(instanceRings, partitionRings, (instances, partitions) => {
      const decoded = joinRings(decodeInstanceRing(encodeInstanceRing(instances)), decodePartitionRing(encodePartitionRing(partitions)));
      return isDeepStrictEqual(decoded, joinRings(instances, partitions));
    }),
  );
});

t.test('a merged ring is sound, whatever the sources say', async (t) => {
  const refusalOf = createAddressPolicy(['10.0.0.0/8', '*.example']);
  const policy = { ...POLICY, judge: createAddressJudge(['10.0.0.0/8', '*.example'], { machine: [], listeners: [] }) };
  check(
    fc.property(sourceStates, fc.option(sourceStates), fc.boolean(), (sources, earlier, allowEmpty) => {
      const previous = earlier === null ? null : mergeRing(mergeInput(earlier, { policy, nowMs: NOW_MS - 1000 }));
      const input = mergeInput(sources, { policy: { ...policy, allowEmpty }, previous });
      const ring = mergeRing(input);
      const memberIds = ring.members.map(({ id }) => id);
      const routable = ring.members.filter(({ refused }) => refused === null).map(({ address }) => address);
      const owned = ring.partitions.flatMap(({ id, owners }) => owners.map((owner) => `${owner} ${id}`)).sort();
      const owning = ring.members.flatMap(({ id, partition }) => (partition === null ? [] : `${id} ${partition}`)).sort();
      return (
        isDeepStrictEqual(memberIds, [...new Set(memberIds)].sort()) &&
        ring.members.every(({ state }) => state !== 'LEFT') &&
        routable.length === new Set(routable).size &&
        routable.every((address) => refusalOf(address) === null) &&
        isDeepStrictEqual(owned, owning) &&
        isDeepStrictEqual(mergeRing(input), ring) &&
        isSameContent(mergeRing({ ...input, previous: ring }), ring) &&
        diffRings(ring, ring).changed.length === 0 &&
        (previous === null || previous.members.length === 0 || memberIds.length > 0 || allowEmpty) &&
        (!ring.emptyGuard || isDeepStrictEqual(ring.members, previous?.members ?? []))
      );
    }),
    1000,
  );
  t.pass();
});

t.test('state and heartbeat do not depend on the order of sources, but for ties', async () => {
  const distinct = fc.uniqueArray(record({ state: states, heartbeatMs: times }), {
    selector: ({ heartbeatMs }) => heartbeatMs,
    minLength: 1,
    maxLength: 4,
  });
  check(
    fc.property(distinct, (vitals) => {
      const sources = vitals.map(({ state, heartbeatMs }, i): SourceState => {
        const member: Member = { id: 'a', address: 'x.example:1', zone: '', partition: null, state, heartbeatMs, registeredMs: null };
        return {
          name: `s${i}`,
          report: { kind: 'members', ring: 'live-store', members: [member], partitions: [], asOfMs: NOW_MS },
          failure: null,
        };
      });
      const of = (list: readonly SourceState[]) =>
        mergeRing(mergeInput(list)).members.map(({ state, heartbeatMs, decidedBy, unhealthy }) => ({
          state,
          heartbeatMs,
          decidedBy,
          unhealthy,
        }));
      return isDeepStrictEqual(of(sources), of(sources.toReversed()));
    }),
  );
});

t.test('a partition with an owner that is alive and may be dialled always has one that is asked', async () => {
  const owner = record({
    state: fc.constantFrom<MemberState>('ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT'),
    partition: fc.constantFrom(0, 0, 1, null),
    heartbeatMs: fc.constantFrom(null, NOW_MS, NOW_MS - 59_000, NOW_MS - 60_001, NOW_MS + 600_000, -5),
    address: fc.constantFrom('10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1', '127.0.0.1:1', '[::]:1'),
    registeredMs: fc.option(times),
  });
  const rings = fc.array(fc.array(fc.option(owner), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 3 });
  const isAlive = (heartbeatMs: number | null, nowMs: number): boolean => heartbeatMs === null || nowMs - heartbeatMs <= 60_000;
  check(
    fc.property(rings, fc.option(fc.constantFrom(1000, 61_000, 700_000)), (said, waitMs) => {
      const sources = said.map((list, i): SourceState => {
        const members = list.flatMap((fields, n): Member[] => (fields === null ? [] : [{ id: `m${n}`, zone: 'z', ...fields }]));
        return { name: `s${i}`, report: { kind: 'members', ring: 'live-store', members, partitions: [], asOfMs: NOW_MS }, failure: null };
      });
      const first = mergeRing(mergeInput(sources));
      const nowMs = NOW_MS + (waitMs ?? 0);
      const ring = mergeRing(mergeInput(sources, { nowMs, previous: first }));
      return ring.partitions.every(({ id }) => {
        const owners = ring.members.filter(({ partition, refused }) => partition === id && refused === null);
        const alive = owners.some(({ decidedBy, opinions }) =>
          isAlive(opinions.find(({ source }) => source === decidedBy)?.member.heartbeatMs ?? null, nowMs),
        );
        return !alive || owners.some(({ unhealthy }) => unhealthy === null);
      });
    }),
    2000,
  );
});

t.test('nobody is asked without need: who is spared has no neighbour that is ready', async () => {
  check(
    fc.property(sourceStates, (sources) => {
      const { members } = mergeRing(mergeInput(sources));
      return members
        .filter(({ spared }) => spared !== null)
        .every(({ partition, refused, unhealthy, state }) => {
          const ready = members.some(
            (other) => other.partition === partition && other.refused === null && other.unhealthy === null && other.spared === null,
          );
          return partition !== null && refused === null && unhealthy === null && state === 'JOINING' && !ready;
        });
    }),
    1000,
  );
});

t.test('heartbeats of several sources in any order of arrival leave a member that is not ready as it is', async () => {
  const beats = fc.array(fc.tuple(fc.constantFrom('tempo', 'nats'), fc.integer({ min: 1, max: 5000 })), { minLength: 1, maxLength: 20 });
  check(
    fc.property(beats, (list) => {
      const heard = new Map([
        ['tempo', NOW_MS],
        ['nats', NOW_MS],
      ]);
      let [nowMs, previous]: [number, Ring | null] = [NOW_MS, null];
      return list.every(([who, afterMs]) => {
        nowMs += Math.min(afterMs, 10_000 - (nowMs - Math.min(...heard.values())));
        heard.set(who, nowMs);
        const sources = [...heard].map(([name, heartbeatMs]): SourceState => {
          const member: Member = {
            id: 'a',
            address: 'x.example:1',
            zone: '',
            partition: null,
            state: name === 'nats' ? 'JOINING' : 'ACTIVE',
            heartbeatMs,
            registeredMs: null,
          };
          return { name, report: { kind: 'members', ring: 'live-store', members: [member], partitions: [], asOfMs: nowMs }, failure: null };
        });
        previous = mergeRing(mergeInput(sources, { nowMs, previous }));
        return previous.members[0]?.state === 'JOINING';
      });
    }),
  );
});
