import t from 'tap';
import { ownersOf, standInsOf } from '../../src/control/snapshot/failover.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type RingStage } from '../../src/control/stage/types.ts';
import type { MergedMember } from '../../src/membership/types.ts';
import { catalogOf, memberOf, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';

let lastOctet = 0;

/** A member called `name` in `zone` that owns `partition`. */
function owner(name: string, zone: string, partition: number | null, fields: Partial<MergedMember> = {}): MergedMember {
  lastOctet += 1;
  return memberOf(name, { zone, partition, address: `10.0.0.${lastOctet}:9096`, ...fields });
}

function stageOf(...members: MergedMember[]): RingStage {
  return advanceStage(null, catalogOf(1, ringOf('r', members)), NOW, LINGER).rings.get('r') as RingStage;
}

function standIns(stage: RingStage, id: string, clientZone = ''): string[] {
  const member = stage.members.find((candidate) => candidate.id === id);
  return member ? standInsOf(member, ownersOf(stage), clientZone).map((other) => other.id) : ['no such member'];
}

t.test('the owner in the other zone stands in', async (t) => {
  const stage = stageOf(owner('a0', 'a', 0), owner('b0', 'b', 0), owner('a1', 'a', 1), owner('b1', 'b', 1));
  t.same(standIns(stage, 'a0'), ['b0']);
  t.same(standIns(stage, 'b1'), ['a1']);
});

t.test('nobody stands in for an only owner, without a partition, or without a zone', async (t) => {
  const stage = stageOf(owner('a0', 'a', 0), owner('a1', 'a', 1), owner('none', '', 1), owner('a2', 'a', null), owner('b2', 'b', null));
  for (const id of ['a0', 'a1', 'none', 'a2', 'b2']) t.same(standIns(stage, id), [], id);
});

t.test('two owners without a zone are in one zone', async (t) => {
  const stage = stageOf(owner('x', '', 0), owner('y', '', 0));
  t.same(standIns(stage, 'x'), []);
});

t.test('two owners in one zone: neither stands in, and nobody for them', async (t) => {
  const stage = stageOf(owner('a0', 'a', 0), owner('b0', 'b', 0), owner('b9', 'b', 0));
  t.same(standIns(stage, 'a0'), [], 'one of two says a part');
  t.same(standIns(stage, 'b0'), [], 'a0 beside b9 would be counted twice');
  const three = stageOf(owner('a0', 'a', 0), owner('b0', 'b', 0), owner('b9', 'b', 0), owner('c0', 'c', 0));
  t.same(standIns(three, 'a0'), ['c0'], 'the zone with one is good');
  t.same(standIns(three, 'c0'), ['a0']);
  t.same(standIns(three, 'b0'), []);
});

t.test('a refused owner stands in for nobody and counts in its zone', async (t) => {
  const refused = { refused: 'address is loopback' };
  t.same(standIns(stageOf(owner('a0', 'a', 0), owner('b0', 'b', 0, refused)), 'a0'), []);
  t.same(standIns(stageOf(owner('a0', 'a', 0), owner('b0', 'b', 0), owner('b9', 'b', 0, refused)), 'a0'), []);
  t.same(standIns(stageOf(owner('a0', 'a', 0), owner('a9', 'a', 0, refused), owner('b0', 'b', 0)), 'a0'), []);
});

t.test('an unhealthy owner counts in its zone, since queriers may see it otherwise', async (t) => {
  const stage = stageOf(owner('a0', 'a', 0), owner('a9', 'a', 0, { unhealthy: 'state JOINING' }), owner('b0', 'b', 0));
  t.same(standIns(stage, 'a0'), []);
  t.same(standIns(stage, 'b0'), []);
});

t.test('an owner that left counts while its authority lingers, and stands in for nobody', async (t) => {
  const [a0, b0, b9] = [owner('a0', 'a', 0), owner('b0', 'b', 0), owner('b9', 'b', 0)];
  const before = advanceStage(null, catalogOf(1, ringOf('r', [a0, b0])), NOW, LINGER);
  const left = advanceStage(before, catalogOf(2, ringOf('r', [a0])), NOW, LINGER);
  t.same(standIns(left.rings.get('r') as RingStage, 'a0'), [], 'b0 is gone');
  t.same(standIns(left.rings.get('r') as RingStage, 'b0'), ['a0'], 'late calls to b0 go to a0');
  const replaced = advanceStage(before, catalogOf(2, ringOf('r', [a0, b9])), NOW, LINGER);
  t.same(standIns(replaced.rings.get('r') as RingStage, 'a0'), [], 'late queriers know b0 and b9');
  const settled = advanceStage(replaced, catalogOf(2, ringOf('r', [a0, b9])), NOW + LINGER.routeMs, LINGER);
  t.same(standIns(settled.rings.get('r') as RingStage, 'a0'), ['b9']);
  const heir = advanceStage(before, catalogOf(2, ringOf('r', [a0, { ...b9, address: b0.address }])), NOW, LINGER);
  t.same(standIns(heir.rings.get('r') as RingStage, 'a0'), ['b9'], 'b9 has the address: nothing of b0 lingers');
});

t.test('several zones: the client its own first, then in turn, beginning elsewhere for each partition', async (t) => {
  const zones = ['a', 'b', 'c', 'd'];
  const stage = stageOf(...[0, 1, 2].flatMap((partition) => zones.map((zone) => owner(`${zone}${partition}`, zone, partition))));
  t.same(standIns(stage, 'a0'), ['b0', 'c0', 'd0']);
  t.same(standIns(stage, 'a1'), ['c1', 'd1', 'b1']);
  t.same(standIns(stage, 'a2'), ['d2', 'b2', 'c2']);
  t.same(standIns(stage, 'a0', 'd'), ['d0', 'b0', 'c0']);
  t.same(standIns(stage, 'a0', 'a'), ['b0', 'c0', 'd0'], 'a client of the same zone has no preference');
});

t.test('an owner that is given another partition stands in for nobody in the old one', async (t) => {
  const [a0, b0, a1, b1] = [owner('a0', 'a', 0), owner('b0', 'b', 0), owner('a1', 'a', 1), owner('b1', 'b', 1)];
  const before = advanceStage(null, catalogOf(1, ringOf('r', [a0, b0, a1, b1])), NOW, LINGER);
  const moved = advanceStage(before, catalogOf(2, ringOf('r', [a0, { ...b0, partition: 1 }, a1, b1])), NOW, LINGER).rings.get(
    'r',
  ) as RingStage;
  t.same(standIns(moved, 'a0'), [], 'b0 does not answer for partition 0 any more');
  t.same(standIns(moved, 'a1'), [], 'zone b has two owners of partition 1 now');
  t.same(standIns(moved, 'b0'), []);
});

t.test('refused under its new address, it counts in both partitions while calls to the old one are still taken', async (t) => {
  const [a0, b0, a1, b1] = [owner('a0', 'a', 0), owner('b0', 'b', 0), owner('a1', 'a', 1), owner('b1', 'b', 1)];
  const before = advanceStage(null, catalogOf(1, ringOf('r', [a0, b0, a1, b1])), NOW, LINGER);
  const refused = { ...b0, partition: 1, address: '127.0.0.1:1', refused: 'address is loopback' };
  const after = advanceStage(before, catalogOf(2, ringOf('r', [a0, refused, a1, b1])), NOW, LINGER).rings.get('r') as RingStage;
  t.same(standIns(after, 'a1'), [], 'queriers know it as a second owner of partition 1 in zone b');
  t.same(standIns(after, 'b0'), ['a0'], 'who still calls its old address wants partition 0');
});

t.test('a ring of a thousand zones does not make a million endpoints', async (t) => {
  const stage = stageOf(...Array.from({ length: 40 }, (_, i) => owner(`m${i}`, `zone-${i}`, 0)));
  t.equal(standIns(stage, 'm0').length, 7);
  t.equal(standIns(stage, 'm0', 'zone-33')[0], 'm33', "the client's own zone comes first all the same");
});
