import t from 'tap';
import { changeText, ringChanges } from '../../src/control/report/changes.ts';
import { compareSources, comparisonText, type RingComparison } from '../../src/control/report/comparison.ts';
import type { MergedMember, Ring } from '../../src/membership/types.ts';
import { fourMembers, memberOf, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';

const [a0, a1, b0, b1] = fourMembers() as [MergedMember, MergedMember, MergedMember, MergedMember];
const before = ringOf('live-store', [a0, a1, b0]);

/** Every change as its line, without the time. */
function lines(after: Ring, from: Ring = before): readonly string[] {
  return ringChanges(from, after).map((change) => changeText(change, NOW, null).replace(/^\S+ /, ''));
}

t.test('who joined, left, changed', async (t) => {
  t.same(ringChanges(before, before), []);
  t.same(lines({ ...before, members: [a0, a1, { ...b0, heartbeatMs: NOW + 5000 }] }), [], 'a heartbeat is no change');
  t.same(lines(ringOf('live-store', [a0, { ...b0, state: 'LEAVING', zone: '', partition: null }, b1])), [
    'live-store-zone-a-1 left',
    'live-store-zone-b-1 joined: 10.0.1.11:9096, zone-b, partition 1, ACTIVE',
    'live-store-zone-b-0 changed: zone zone-b → -; partition 0 → -; state ACTIVE → LEAVING',
  ]);
  const bare = memberOf('x', { zone: '', partition: null });
  t.same(lines(ringOf('live-store', [bare]), ringOf('live-store', [])), ['x joined: 10.0.0.1:9096, no zone, no partition, ACTIVE']);
  t.same(ringChanges(before, { ...before, members: [{ ...a0, unhealthy: 'state JOINING' }, a1, b0] }), [
    { event: 'member.changed', member: a0.id, changed: { unhealthy: { from: null, to: 'state JOINING' } } },
  ]);
});

t.test('disagreements that begin, go on and end', async (t) => {
  const zone = { reason: 'zone', source: 'nats', says: 'zone-x', ring: 'zone-a' } as const;
  const missing = { reason: 'missing', source: 'dns', says: null, ring: null } as const;
  const told = (of: MergedMember['disagreements']): Ring => ({ ...before, members: [{ ...a0, disagreements: of }, a1, b0] });
  t.same(lines(told([zone, missing])), [
    'live-store-zone-a-0 disagreement: nats says zone zone-x, the ring zone-a',
    'live-store-zone-a-0 disagreement: dns does not list it',
  ]);
  t.strictSame(
    ringChanges(before, told([missing])),
    [{ event: 'disagreement.began', member: a0.id, disagreement: { reason: 'missing', source: 'dns' } }],
    'as in /api/rings/{ring}',
  );
  t.same(lines(told([missing]), told([zone, missing])), ['live-store-zone-a-0 disagreement over: nats says zone zone-x, the ring zone-a']);
  t.same(ringChanges(told([zone]), told([{ ...zone, says: 'zone-y' }])), [
    { event: 'disagreement.ended', member: a0.id, disagreement: zone },
    { event: 'disagreement.began', member: a0.id, disagreement: { ...zone, says: 'zone-y' } },
  ]);
  t.same(lines(told([]), told([{ reason: 'heartbeat', source: 'tempo', says: 'no heartbeat for over 60s', ring: 'newer' }])), [
    'live-store-zone-a-0 disagreement over: tempo has heard no heartbeat for over 60s',
  ]);
  t.same(lines(told([{ reason: 'address_claimed_twice', source: 'tempo', says: '10.0.0.1:1', ring: 'heir' }])), [
    'live-store-zone-a-0 disagreement: tempo says address 10.0.0.1:1, which heir keeps',
  ]);
});

t.test('sources and the guard', async (t) => {
  const source = { name: 'tempo', ok: true, asOfMs: NOW, error: null, expired: false };
  const ring = (fields: object, more: Partial<Ring> = {}): Ring => ({ ...before, sources: [{ ...source, ...fields }], ...more });
  const down = ring({ ok: false, error: 'down' });
  t.same(lines(down, ring({})), ['source tempo fails: down']);
  t.same(lines(ring({ ok: false, error: 'down', asOfMs: 5 }), down), []);
  t.same(lines(ring({ ok: false, error: 'gone' }), down), ['source tempo fails: gone']);
  t.same(lines(ring({ error: 'one of two peers is down' }), ring({})), ['source tempo partly fails: one of two peers is down']);
  t.same(lines(ring({}), down), ['source tempo works']);
  const unread = ring({ ok: false, asOfMs: null });
  t.same(lines(ring({}), unread), ['source tempo works'], 'whoever looked before was told that it does not');
  t.same(lines(ring({ ok: false, asOfMs: null }), unread), []);
  const expired = ring({ ok: false, error: 'down', expired: true });
  t.same(lines(expired, down), ['source tempo has failed for too long; the ring goes on without it']);
  t.same(lines(expired, expired), []);
  t.same(lines(ring({}), expired), ['source tempo works']);
  t.same(lines(ring({}), { ...before, sources: [] }), [], 'a source that is new and works');
  t.same(lines(down, { ...before, sources: [] }), ['source tempo fails: down']);
  const guarded = ring({}, { emptyGuard: true });
  t.same(lines(guarded, ring({})), ['the sources say that the ring is empty; 3 members kept']);
  t.same(lines(ring({}), guarded), ['the ring has 3 members again, or may be empty']);
  t.same(lines({ ...before, members: [a0], emptyGuard: true }, { ...before, members: [a0] }), [
    'the sources say that the ring is empty; 1 member kept',
  ]);
});

t.test('a line begins with the time and cannot be steered by what a ring says', async (t) => {
  const [change] = ringChanges(ringOf('r', []), ringOf('r', [memberOf('x\n\u001b[2J', { zone: '' })]));
  if (!change) throw new Error('no change');
  t.equal(
    changeText(change, NOW, 'live-store'),
    '2026-11-21T11:36:10.000Z ring live-store: x\\u{a}\\u{1b}[2J joined: 10.0.0.1:9096, no zone, partition 0, ACTIVE',
  );
});

t.test('two sources side by side', async (t) => {
  const side = (source: string, members: readonly MergedMember[], listsPartitions = true, fields: Partial<Ring> = {}) => ({
    source,
    ring: ringOf('live-store', members, fields),
    listsPartitions,
  });
  const compare = (left: readonly MergedMember[], right: readonly MergedMember[]): RingComparison =>
    compareSources(
      side('l', left),
      side(
        'r',
        right,
        right.some(({ partition }) => partition !== null),
      ),
    );
  const same = compare([a0, b0], [{ ...a0, heartbeatMs: NOW - 50_000, registeredMs: 7 }, b0]);
  t.equal(same.equal, true, 'heartbeats and registration are no difference');
  t.equal(comparisonText(same), 'l: 2 members; r: 2 members\nno difference\n');
  t.equal(compare([a0], [{ ...a0, address: '10.0.0.10:9096' }]).equal, true);
  t.match(compare([a0], [{ ...a0, state: 'LEAVING' }]), {
    equal: false,
    different: [{ id: a0.id, fields: [{ field: 'state', left: 'ACTIVE', right: 'LEAVING' }] }],
  });
  const bare = [a0, b0].map((member) => ({ ...member, zone: '', partition: null, heartbeatMs: null }));
  t.equal(compare([{ ...a0, state: 'LEAVING' }, b0], bare).equal, true, 'a source that knows neither zones nor partitions nor states');
  t.same(
    compare([a0, b0], [a0, { ...b0, zone: '' }]).different,
    [{ id: b0.id, fields: [{ field: 'zone', left: 'zone-b', right: null }] }],
    'one that knows zones, but not of this member',
  );
  const addresses = [a0, b0].map(({ address }) => memberOf(address, { address, zone: '', partition: null, heartbeatMs: null }));
  t.equal(compare([a0, b0], addresses).equal, true, 'a source of addresses');
  t.same(
    compare([a0, a1], addresses).onlyRight.map(({ id }) => id),
    [b0.address],
  );
  const inactive = { partitions: [{ id: 0, state: 'INACTIVE' as const, owners: [] }] };
  const differ = compareSources(side('l', [a0, b0, a1]), side('r', [a0, b0, a1], true, inactive));
  t.same(differ.partitions, [
    { id: 0, left: 'ACTIVE', right: 'INACTIVE' },
    { id: 1, left: 'ACTIVE', right: null },
  ]);
  t.equal(
    comparisonText(differ),
    'l: 3 members; r: 3 members\ndiffers: partition 0: ACTIVE in l, INACTIVE in r\ndiffers: partition 1: ACTIVE in l, - in r\n',
  );
  t.equal(compareSources(side('l', [a0]), side('r', [a0], false, inactive)).equal, true, 'partitions that only follow from members');
});
