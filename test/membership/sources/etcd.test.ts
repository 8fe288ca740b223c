import t from 'tap';
import { encodeInstanceRing, encodePartitionRing } from '../../../src/membership/dskit/index.ts';
import { createEtcdSource } from '../../../src/membership/sources/etcd/index.ts';
import type { EtcdSourceOptions } from '../../../src/membership/sources/etcd/options.ts';
import type { Member } from '../../../src/membership/types.ts';
import { startEtcd } from '../../support/etcd.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };

const optionsFor = (...endpoints: string[]): EtcdSourceOptions => ({
  name: 'etcd',
  ring: 'live-store',
  endpoints,
  keys: KEYS,
  timeoutMs: 5000,
  tls: null,
  login: null,
});

const MEMBERS = [
  { id: 'live-store-zone-a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0 },
  { id: 'live-store-zone-b-0', address: '10.0.1.1:9096', zone: 'zone-b', partition: 0 },
  { id: 'live-store-zone-b-1', address: '[fd00::1]:9096', zone: 'zone-b', partition: 1 },
];
type Told = Pick<Member, 'id' | 'address' | 'zone'>;

const instancesOf = (members: readonly Told[], nowMs = 0): Uint8Array =>
  encodeInstanceRing(
    new Map(
      members.map(({ id, address, zone }) => {
        const heartbeatMs = Math.floor(nowMs / 1000) * 1000;
        return [id, { id, address, zone, state: 'ACTIVE', heartbeatMs, registeredMs: null }];
      }),
    ),
  );

const PARTITIONS = encodePartitionRing({
  partitions: new Map([0, 1].map((id) => [id, { id, state: 'ACTIVE', stateMs: 0 }])),
  owners: new Map(MEMBERS.map(({ id, partition }) => [id, { id, partition, state: 'ACTIVE', updatedMs: 0 }])),
});

t.test('an etcd source keeps the promises of every source', async (t) => {
  const etcd = await startEtcd(t);
  if (etcd === undefined) return;
  let count = 0;
  await sourceSuite(t, async () => {
    count += 1;
    const keys = { instances: `${count}/live-store`, partitions: `${count}/livestore-partitions` };
    const clock = new FakeClock();
    await etcd.put(keys.partitions, PARTITIONS);
    return {
      // While the fake clock runs ahead, etcd answers in real time.
      source: createEtcdSource({ ...optionsFor(etcd.endpoint), keys, timeoutMs: 60_000 }, sourceDeps(clock)),
      clock,
      say: async (members) => void (await etcd.put(keys.instances, instancesOf(members, clock.nowMs()))),
      spoil: async () => void (await etcd.put(keys.instances, Buffer.from('<html>'))),
      look: () => clock.advance(5000),
    };
  });
});
