import t from 'tap';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { StageDriver } from '../../src/control/stage/driver.ts';
import { LINGER, type RingStage, type Stage, type StagedMember } from '../../src/control/stage/types.ts';
import { Observable } from '../../src/core/index.ts';
import type { Catalog, MergedMember } from '../../src/membership/types.ts';
import { MetricRegistry } from '../../src/telemetry/index.ts';
import { catalogOf, fourMembers, memberOf, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { LogRecorder } from '../support/recording-logger.ts';

const RING = 'live-store';

function step(previous: Stage | null, members: readonly MergedMember[], nowMs: number): Stage {
  return advanceStage(previous, catalogOf(1, ringOf(RING, members)), nowMs, LINGER);
}

function ringIn(stage: Stage): RingStage {
  const ring = stage.rings.get(RING);
  if (!ring) throw new Error('no ring');
  return ring;
}

function memberIn(stage: Stage, id: string): StagedMember | undefined {
  return ringIn(stage).members.find((member) => member.id === id);
}

const kept = fourMembers();
const [gone, ...others] = kept as [MergedMember, ...MergedMember[]];

t.test('members of the ring are present, sorted by id, with their address as the only authority', async (t) => {
  const stage = step(null, kept.toReversed(), NOW);
  t.same(
    ringIn(stage).members.map(({ id }) => id),
    ['live-store-zone-a-0', 'live-store-zone-a-1', 'live-store-zone-b-0', 'live-store-zone-b-1'],
  );
  t.same(memberIn(stage, gone.id), {
    id: 'live-store-zone-a-0',
    zone: 'zone-a',
    partition: 0,
    address: '10.0.0.10:9096',
    healthy: true,
    domains: [{ address: '10.0.0.10:9096', untilMs: null }],
    phase: { kind: 'present' },
  });
});

t.test('a ring is not in the stage until all its sources have been read or are given up', async (t) => {
  const silent = { name: 'slow', ok: false, asOfMs: null, error: null, expired: false };
  const spoke = { name: 'fast', ok: true, asOfMs: NOW, error: null, expired: false };
  const failed = { ...silent, error: 'connect ECONNREFUSED' };
  const read = (sources: (typeof silent | typeof spoke | typeof failed)[]): boolean =>
    advanceStage(null, catalogOf(1, ringOf(RING, kept, { sources: sources as never })), NOW, LINGER).rings.has(RING);
  t.equal(read([silent]), false, 'no report');
  t.equal(read([spoke, silent]), false, 'one is still silent');
  t.equal(read([failed]), false, 'only a failure');
  t.equal(read([spoke, failed]), false, 'the other fails: its members are not known to be gone');
  t.equal(read([spoke, { ...failed, expired: true }]), true, 'the other has failed for staleAfter');
  t.equal(read([{ ...failed, expired: true }]), false, 'nobody was ever read');
  t.equal(read([spoke]), true);
});

t.test('a ring that is empty at the start is not in the stage, unless it may be empty', async (t) => {
  const read = (emptyGuard: boolean): boolean =>
    advanceStage(null, catalogOf(1, ringOf(RING, [], { emptyGuard })), NOW, LINGER).rings.has(RING);
  t.equal(read(true), false, 'sidecars may still have its members');
  t.equal(read(false), true);
});

t.test('a ring that was read stays read when its sources fail', async (t) => {
  const before = step(null, kept, NOW);
  const failed = [{ name: 'tempo', ok: false, asOfMs: null, error: 'gone', expired: true }];
  const after = advanceStage(before, catalogOf(2, ringOf(RING, kept, { sources: failed })), NOW, LINGER);
  t.equal(after.rings.get(RING), before.rings.get(RING), 'and is the same object');
});

t.test('a removed member drains for a minute, then has no route, then after half a minute no cluster', async (t) => {
  const s0 = step(null, kept, NOW);
  const s1 = step(s0, others, NOW + 1_000);
  t.match(memberIn(s1, gone.id), {
    healthy: false,
    phase: { kind: 'leaving' },
    domains: [{ address: '10.0.0.10:9096', untilMs: NOW + 61_000 }],
  });
  t.equal(memberIn(step(s1, others, NOW + 60_999), gone.id)?.phase.kind, 'leaving');
  const s2 = step(s1, others, NOW + 61_000);
  t.match(memberIn(s2, gone.id), { phase: { kind: 'unrouted', untilMs: NOW + 91_000 }, domains: [] });
  t.equal(memberIn(step(s2, others, NOW + 90_999), gone.id)?.phase.kind, 'unrouted');
  t.equal(memberIn(step(s2, others, NOW + 91_000), gone.id), undefined);
});

t.test('a member moves one phase at a time, however late the clock comes', async (t) => {
  const s1 = step(step(null, kept, NOW), others, NOW);
  const late = NOW + 86_400_000;
  const s2 = step(s1, others, late);
  t.same(memberIn(s2, gone.id)?.phase, { kind: 'unrouted', untilMs: late + 30_000 });
  t.equal(memberIn(step(s2, others, late + 86_400_000), gone.id), undefined);
});

t.test('a member that returns is as before, from either phase', async (t) => {
  const s0 = step(null, kept, NOW);
  const s1 = step(s0, others, NOW);
  const s2 = step(s1, others, NOW + 60_000);
  t.same(memberIn(step(s1, kept, NOW + 5_000), gone.id), memberIn(s0, gone.id));
  t.same(memberIn(step(s2, kept, NOW + 60_000), gone.id), memberIn(s0, gone.id));
});

t.test('LEFT is not in the ring, and neither is a member whose address is refused; the latter still owns', async (t) => {
  const s0 = step(null, kept, NOW);
  const left = step(s0, [{ ...gone, state: 'LEFT' }, ...others], NOW);
  t.equal(memberIn(left, gone.id)?.phase.kind, 'leaving');
  t.same(ringIn(left).refused, []);
  const refused = step(s0, [{ ...gone, refused: 'address is loopback' }, ...others], NOW);
  t.equal(memberIn(refused, gone.id)?.phase.kind, 'leaving');
  t.same(ringIn(refused).refused, [{ id: gone.id, zone: 'zone-a', partition: 0 }]);
});

t.test('an address that changes under one id: the old one leads to the member for a minute more', async (t) => {
  const s0 = step(null, kept, NOW);
  const moved = { ...gone, address: '10.0.0.99:9096' };
  const s1 = step(s0, [moved, ...others], NOW + 500);
  t.same(memberIn(s1, gone.id)?.address, '10.0.0.99:9096');
  t.same(memberIn(s1, gone.id)?.domains, [
    { address: '10.0.0.99:9096', untilMs: null },
    { address: '10.0.0.10:9096', untilMs: NOW + 60_500 },
  ]);
  t.equal(s1.nextMs, NOW + 60_500);
  const s2 = step(s1, [moved, ...others], NOW + 60_500);
  t.same(memberIn(s2, gone.id)?.domains, [{ address: '10.0.0.99:9096', untilMs: null }]);
  const back = step(s1, kept, NOW + 1_000);
  t.same(memberIn(back, gone.id)?.domains, [
    { address: '10.0.0.10:9096', untilMs: null },
    { address: '10.0.0.99:9096', untilMs: NOW + 61_000 },
  ]);
});

t.test('an owner that is given another partition keeps none of the addresses under which it answered for the old one', async (t) => {
  const s0 = step(null, kept, NOW);
  const elsewhere = { ...gone, address: '10.0.0.99:9096', partition: 1 };
  const s1 = step(s0, [elsewhere, ...others], NOW + 500);
  t.match(memberIn(s1, gone.id), { partition: 1, domains: [{ address: '10.0.0.99:9096', untilMs: null }] });
  t.equal(memberIn(s1, gone.id)?.domains.length, 1);
  const s2 = step(step(s0, others, NOW), [elsewhere, ...others], NOW + 1_000);
  t.same(memberIn(s2, gone.id)?.domains, [{ address: '10.0.0.99:9096', untilMs: null }], 'also when it was away meanwhile');
  const s3 = step(s0, [{ ...gone, partition: 1 }, ...others], NOW);
  t.same(
    memberIn(s3, gone.id)?.domains,
    [{ address: '10.0.0.10:9096', untilMs: null }],
    'under its present address it answers for the new one',
  );
});

t.test('an address that another member takes goes to it at once', async (t) => {
  const s0 = step(null, kept, NOW);
  const heir = memberOf('live-store-zone-a-2', { address: '10.0.0.10:9096', partition: 2 });
  const s1 = step(s0, [heir, ...others], NOW);
  t.same(memberIn(s1, gone.id), {
    ...memberIn(s0, gone.id),
    healthy: false,
    domains: [],
    phase: { kind: 'unrouted', untilMs: NOW + 30_000 },
  });
  t.same(memberIn(s1, heir.id)?.domains, [{ address: '10.0.0.10:9096', untilMs: null }]);
  const moved = step(s0, [{ ...gone, address: '10.0.0.99:9096' }, heir, ...others], NOW);
  t.same(memberIn(moved, gone.id)?.domains, [{ address: '10.0.0.99:9096', untilMs: null }]);
});

t.test('health is as membership judges it', async (t) => {
  const of = (fields: Partial<MergedMember>): boolean | undefined => memberIn(step(null, [{ ...gone, ...fields }], NOW), gone.id)?.healthy;
  t.equal(of({}), true);
  t.equal(of({ unhealthy: 'its last heartbeat is 75 s old' }), false);
  t.equal(of({ state: 'LEAVING' }), true, 'the state alone decides nothing here');
});

t.test('an authority claimed by two rings stays with the ring whose name sorts first', async (t) => {
  const mine = ringOf('a-ring', [memberOf('one', { address: 'Store.example:9096' })]);
  const theirs = ringOf('b-ring', [memberOf('two', { address: 'store.EXAMPLE:9096' }), memberOf('three', { address: '10.0.0.3:9096' })]);
  for (const catalog of [catalogOf(1, mine, theirs), catalogOf(1, theirs, mine)]) {
    const stage = advanceStage(null, catalog, NOW, LINGER);
    t.same(
      stage.rings.get('a-ring')?.members.map(({ id }) => id),
      ['one'],
    );
    t.same(
      stage.rings.get('b-ring')?.members.map(({ id }) => id),
      ['three'],
    );
    t.same(stage.rings.get('b-ring')?.refused, [{ id: 'two', zone: 'zone-a', partition: 0 }]);
  }
});

t.test('a ring whose content is as before is the same object, newer heartbeats notwithstanding', async (t) => {
  const s0 = step(null, kept, NOW);
  const s1 = step(
    s0,
    kept.map((member) => ({ ...member, heartbeatMs: NOW + 5_000 })),
    NOW + 5_000,
  );
  t.equal(s1.rings.get(RING), s0.rings.get(RING));
  t.equal(s1.nextMs, null);
});

t.test('a change of one member leaves the others the same objects', async (t) => {
  const before = step(null, kept, NOW);
  const after = step(before, [{ ...gone, unhealthy: 'state JOINING' }, ...others], NOW + 1_000);
  t.same(
    ringIn(after)
      .members.filter((member) => !ringIn(before).members.includes(member))
      .map(({ id }) => id),
    [gone.id],
  );
});

t.test('the driver follows the catalog and the clock, and stands still after stop', async (t) => {
  const clock = new FakeClock(NOW);
  const catalog = new Observable<Catalog>(catalogOf(1, ringOf(RING, kept)));
  const [log, metrics] = [new LogRecorder(), new MetricRegistry()];
  const driver = new StageDriver({ catalog, clock, logger: log.logger, metrics });
  const phases = (): number[] =>
    ['present', 'leaving', 'unrouted'].map(
      (phase) => metrics.gauge({ name: 'ringway_stage_members', labels: { ring: RING, phase } }).value,
    );
  await driver.start();
  const seen: (string | undefined)[] = [];
  driver.stage.subscribe((stage) => seen.push(`${memberIn(stage, gone.id)?.phase.kind} ${memberIn(stage, gone.id)?.healthy}`));
  catalog.set(catalogOf(2, ringOf(RING, others)));
  await clock.advance(59_999);
  t.same(seen, ['leaving false']);
  t.same(phases(), [3, 1, 0]);
  await clock.advance(1);
  t.same(seen, ['leaving false', 'unrouted false']);
  t.same(phases(), [3, 0, 1]);
  await clock.advance(30_000);
  t.same(seen, ['leaving false', 'unrouted false', 'undefined undefined']);
  t.equal(clock.pending, 0, 'nothing left to wait for');
  t.same(phases(), [3, 0, 0]);
  t.same(
    log.lines.map(({ event, fields }) => [event, fields]),
    [
      ['member.unrouted', { ring: RING, member: gone.id }],
      ['member.removed', { ring: RING, member: gone.id }],
    ],
  );
  catalog.set(catalogOf(3, ringOf(RING, kept)));
  t.equal(seen.at(-1), 'present true');
  await driver.stop();
  catalog.set(catalogOf(4, ringOf(RING, [])));
  t.equal(seen.length, 4);
  t.equal(clock.pending, 0);
});

t.test('an authority that two rings claim is logged once and counted until it is settled', async (t) => {
  const clock = new FakeClock(NOW);
  const [log, metrics] = [new LogRecorder(), new MetricRegistry()];
  const both = [ringOf('a', [memberOf('one')]), ringOf('b', [memberOf('two')])];
  const catalog = new Observable<Catalog>(catalogOf(1, ...both));
  const driver = new StageDriver({ catalog, clock, logger: log.logger, metrics });
  await driver.start();
  catalog.set(catalogOf(2, ...both, ringOf('c', [])));
  const count = metrics.gauge({ name: 'ringway_address_conflicts', labels: { ring: 'b' } });
  t.same(
    log.lines.map(({ level, event, message }) => [level, event, message]),
    [['error', 'member.address_conflict', 'two: address 10.0.0.1:9096 is claimed by member one of ring a']],
  );
  t.equal(count.value, 1);
  catalog.set(catalogOf(3, ringOf('a', []), ringOf('b', [memberOf('two')])));
  t.equal(count.value, 0);
  await driver.stop();
});

t.test('so many members that leave at once are no more than a list', async (t) => {
  const COUNT = 150_000;
  const members = Array.from({ length: COUNT }, (_, i): StagedMember => {
    const address = `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}:9096`;
    return {
      id: `m-${i}`,
      zone: '',
      partition: null,
      address,
      healthy: true,
      domains: [{ address, untilMs: null }],
      phase: { kind: 'present' },
    };
  });
  const before: Stage = { rings: new Map([[RING, { name: RING, members, refused: [] }]]), nextMs: null };
  const after = step(before, [gone], NOW);
  t.equal(ringIn(after).members.length, COUNT + 1);
  t.equal(after.nextMs, NOW + LINGER.routeMs);
});
