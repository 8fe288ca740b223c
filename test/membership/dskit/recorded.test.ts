import t from 'tap';
import {
  decodeInstanceRing,
  decodePartitionRing,
  type Instance,
  joinRings,
  parsePartitionPage,
  parseRingPage,
} from '../../../src/membership/dskit/index.ts';
import { MOMENTS, type Moment, recordedRing } from '../../support/recorded-rings.ts';

/** id, address, zone, state, heartbeat (s), registration (s). */
type Row = readonly [string, string, string, Instance['state'], number, number];

const A0 = ['live-store-zone-a-0', '127.0.0.11:9196', 'zone-a'] as const;
const A1 = ['live-store-zone-a-1', '127.0.0.13:9196', 'zone-a'] as const;
const B0 = ['live-store-zone-b-0', '127.0.0.12:9196', 'zone-b'] as const;
const B1 = ['live-store-zone-b-1', '127.0.0.14:9196', 'zone-b'] as const;

const INSTANCES: Readonly<Record<Moment, readonly Row[]>> = {
  running: [
    [...A0, 'ACTIVE', 1_795_260_965, 1_795_260_900],
    [...A1, 'ACTIVE', 1_795_260_965, 1_795_260_900],
    [...B0, 'ACTIVE', 1_795_260_960, 1_795_260_900],
    [...B1, 'ACTIVE', 1_795_260_965, 1_795_260_900],
  ],
  'after-crash': [
    [...A0, 'ACTIVE', 1_795_260_539, 1_795_260_324],
    [...A1, 'ACTIVE', 1_795_260_534, 1_795_260_324],
    [...B0, 'ACTIVE', 1_795_260_534, 1_795_260_324],
    [...B1, 'ACTIVE', 1_795_260_529, 1_795_260_324],
  ],
  'after-stop': [
    [...A0, 'ACTIVE', 1_795_260_554, 1_795_260_324],
    [...A1, 'ACTIVE', 1_795_260_554, 1_795_260_324],
    [...B0, 'LEFT', 1_795_260_545, 1_795_260_324],
    [...B1, 'ACTIVE', 1_795_260_529, 1_795_260_324],
  ],
};

/** State of both partitions (s), and each owner: partition, state, update (s). */
const PARTITIONS: Readonly<
  Record<Moment, { readonly stateS: number; readonly owners: readonly (readonly [string, number, string, number])[] }>
> = {
  running: {
    stateS: 1_795_260_915,
    owners: [
      [A0[0], 0, 'ACTIVE', 1_795_260_900],
      [A1[0], 1, 'ACTIVE', 1_795_260_900],
      [B0[0], 0, 'ACTIVE', 1_795_260_900],
      [B1[0], 1, 'ACTIVE', 1_795_260_900],
    ],
  },
  'after-crash': {
    stateS: 1_795_260_339,
    owners: [
      [A0[0], 0, 'ACTIVE', 1_795_260_324],
      [A1[0], 1, 'ACTIVE', 1_795_260_324],
      [B0[0], 0, 'ACTIVE', 1_795_260_324],
      [B1[0], 1, 'ACTIVE', 1_795_260_324],
    ],
  },
  'after-stop': {
    stateS: 1_795_260_339,
    owners: [
      [A0[0], 0, 'ACTIVE', 1_795_260_324],
      [A1[0], 1, 'ACTIVE', 1_795_260_324],
      [B0[0], 0, 'DELETED', 1_795_260_545],
      [B1[0], 1, 'ACTIVE', 1_795_260_324],
    ],
  },
};

const sorted = <K, V>(map: ReadonlyMap<K, V>): Map<K, V> => new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

for (const moment of MOMENTS) {
  const recorded = recordedRing(moment);
  const instances = new Map(
    INSTANCES[moment].map(([id, address, zone, state, heartbeatS, registeredS]) => [
      id,
      { id, address, zone, state, heartbeatMs: heartbeatS * 1000, registeredMs: registeredS * 1000 },
    ]),
  );
  const { stateS, owners } = PARTITIONS[moment];
  const partitions = new Map([0, 1].map((id) => [id, { id, state: 'ACTIVE', stateMs: stateS * 1000 }]));
  const ownersById = new Map(owners.map(([id, partition, state, updatedS]) => [id, { id, partition, state, updatedMs: updatedS * 1000 }]));

  t.test(`${moment}: the bytes, field by field`, async (t) => {
    t.strictSame(sorted(decodeInstanceRing(recorded.instanceBytes)), instances);
    const decoded = decodePartitionRing(recorded.partitionBytes);
    t.strictSame(sorted(decoded.partitions), partitions);
    t.strictSame(sorted(decoded.owners), ownersById);
  });

  t.test(`${moment}: the pages say what the bytes say, without tombstones and dates of owners`, async (t) => {
    const alive = new Map([...instances].filter(([, { state }]) => state !== 'LEFT'));
    t.strictSame(sorted(parseRingPage(recorded.ringPage)), alive);
    const page = parsePartitionPage(recorded.partitionPage);
    t.strictSame(sorted(page.partitions), partitions);
    const owning = [...ownersById].filter(([, { state }]) => state !== 'DELETED');
    t.strictSame(sorted(page.owners), new Map(owning.map(([id, owner]) => [id, { ...owner, updatedMs: 0 }])));
  });

  t.test(`${moment}: joined, bytes and pages give the same members and partitions`, async (t) => {
    const fromBytes = joinRings(decodeInstanceRing(recorded.instanceBytes), decodePartitionRing(recorded.partitionBytes));
    const fromPages = joinRings(parseRingPage(recorded.ringPage), parsePartitionPage(recorded.partitionPage));
    t.strictSame(fromBytes.partitions, fromPages.partitions);
    t.strictSame(
      fromBytes.members.filter(({ state }) => state !== 'LEFT'),
      fromPages.members,
    );
    const own = new Map(owners.map(([id, partition, state]) => [id, state === 'DELETED' ? null : partition]));
    t.strictSame(
      fromBytes.members,
      [...instances.values()].map((instance) => ({ ...instance, partition: own.get(instance.id) })),
    );
    t.strictSame(fromBytes.partitions, [
      { id: 0, state: 'ACTIVE', owners: moment === 'after-stop' ? [A0[0]] : [A0[0], B0[0]] },
      { id: 1, state: 'ACTIVE', owners: [A1[0], B1[0]] },
    ]);
  });
}
