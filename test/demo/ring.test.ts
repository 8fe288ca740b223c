import { uncompress } from 'snappyjs';
import t from 'tap';
import { HttpPages } from '../../src/demo/http-pages.ts';
import { ringPages } from '../../src/demo/ring/ring-pages.ts';
import { SampleRing } from '../../src/demo/ring/sample-ring.ts';
import { PartitionRingDesc } from '../../src/gen/dskit/partition_ring.ts';
import { Desc } from '../../src/gen/dskit/ring.ts';
import { FakeClock } from '../support/fake-clock.ts';

const a0 = { id: 'live-store-zone-a-0', address: '127.0.0.1:9111', zone: 'zone-a', partition: 0, state: 'ACTIVE' } as const;
const b0 = { ...a0, id: 'live-store-zone-b-0', address: '127.0.0.1:9112', zone: 'zone-b' } as const;

t.test('a dead member ages as in Tempo; one that leaves becomes a tombstone', async (t) => {
  const clock = new FakeClock();
  const ring = new SampleRing(clock);
  const states = (): string[] => ring.instances().map((instance) => `${instance.id} ${instance.state}`);
  ring.announce(b0);
  ring.announce(a0);
  t.same(states(), ['live-store-zone-a-0 ACTIVE', 'live-store-zone-b-0 ACTIVE']);
  await clock.advance(119_000);
  ring.announce(a0);
  await clock.advance(1_001);
  t.same(states(), ['live-store-zone-a-0 ACTIVE'], 'forgotten after 120 s');
  t.same(
    ring.owners().map((owner) => owner.id),
    ['live-store-zone-a-0', 'live-store-zone-b-0'],
    'a dead owner stays for good',
  );
  t.equal(ring.leave('live-store-zone-a-0'), true);
  t.equal(ring.leave('live-store-zone-a-0'), false);
  t.equal(ring.leave('nobody'), false);
  t.same(states(), ['live-store-zone-a-0 LEFT']);
  t.equal(ring.owners()[0]?.state, 'DELETED');
  ring.announce(a0);
  t.same(states(), ['live-store-zone-a-0 ACTIVE'], 'back under the same id');
  t.equal(ring.instances()[0]?.registeredMs, clock.nowMs());
});

t.test("the pages are Tempo's", async (t) => {
  const clock = new FakeClock();
  const ring = new SampleRing(clock);
  let isJoined = false;
  const pages = new HttpPages(ringPages(ring, () => isJoined));
  const { port } = await pages.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => pages.close());
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, init);
  const download = async (key: string): Promise<Uint8Array> =>
    uncompress(new Uint8Array(await (await get(`/memberlist?downloadKey=${encodeURIComponent(key)}`)).arrayBuffer()));

  t.equal((await get('/memberlist?downloadKey=collectors%2Flive-store')).status, 404, 'not joined yet');
  isJoined = true;
  t.same(((await (await get('/live-store/ring')).json()) as { shards: unknown }).shards, null);
  const announce = (member: object): Promise<Response> => get('/sample/announce', { method: 'POST', body: JSON.stringify(member) });
  t.equal((await announce(a0)).status, 200);
  await clock.advance(60_001);
  t.equal((await announce(b0)).status, 200);
  const bad = await announce({ ...a0, state: 'GONE' });
  t.same([bad.status, await bad.text()], [400, 'state: ACTIVE or LEAVING\n']);

  const { shards } = (await (await get('/live-store/ring')).json()) as { shards: Record<string, unknown>[] };
  t.same(
    shards.map(({ id, state, address, zone }) => ({ id, state, address, zone })),
    [
      { id: a0.id, state: 'UNHEALTHY', address: a0.address, zone: 'zone-a' },
      { id: b0.id, state: 'ACTIVE', address: b0.address, zone: 'zone-b' },
    ],
  );
  const { partitions } = (await (await get('/partition-ring')).json()) as { partitions: object[] };
  t.match(partitions, [{ id: 0, corrupted: false, state: 2, owner_ids: [a0.id, b0.id] }]);

  const desc = Desc.decode(await download('collectors/live-store'));
  t.same([...desc.ingesters.keys()], [a0.id, b0.id]);
  t.match(desc.ingesters.get(b0.id), {
    addr: b0.address,
    zone: 'zone-b',
    state: 0,
    id: b0.id,
    timestamp: BigInt(Math.floor(clock.nowMs() / 1000)),
  });
  const partitionRing = PartitionRingDesc.decode(await download('collectors/livestore-partitions'));
  t.match(
    [...partitionRing.owners],
    [
      [a0.id, { ownedPartition: 0, state: 1 }],
      [b0.id, { ownedPartition: 0, state: 1 }],
    ],
  );
  t.match(partitionRing.partitions.get(0), { id: 0, state: 2 });
  t.equal((await get('/memberlist?downloadKey=nope')).status, 404);
  t.equal((await get('/nope')).status, 404);
  t.equal((await get(`/sample/leave?id=${a0.id}`, { method: 'POST' })).status, 200);
  t.equal(Desc.decode(await download('collectors/live-store')).ingesters.get(a0.id)?.state, 4);
});
