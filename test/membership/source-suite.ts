import type { Test } from 'tap';
import type { Member, MembershipSource, MembersReport, SourceReport } from '../../src/membership/types.ts';
import type { FakeClock } from '../support/fake-clock.ts';

/** A source and the thing it reads, under the suite's control. */
export interface SourceUnderTest {
  readonly source: MembershipSource;
  readonly clock: FakeClock;
  /** From now on the origin has these members. */
  say(members: readonly Pick<Member, 'id' | 'address' | 'zone' | 'partition'>[]): void | Promise<void>;
  /** From now on the origin is broken. */
  spoil(): void | Promise<void>;
  /** Makes the source look. */
  look(): Promise<void>;
  /** What is left of a member when such an origin has told it; all of it unless given. */
  told?(member: Told): Told;
  /** The origin has no word for a ring without members: having none is a failure. */
  readonly isNeverEmpty?: true;
}

type Told = Pick<Member, 'id' | 'address' | 'zone' | 'partition'>;

const A = { id: 'live-store-zone-a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0 };
const B = { id: 'live-store-zone-b-0', address: '10.0.1.1:9096', zone: 'zone-b', partition: 0 };
const C = { id: 'live-store-zone-b-1', address: '[fd00::1]:9096', zone: 'zone-b', partition: 1 };

const all = (member: Told): Told => member;

/** What every MembershipSource of the ring `live-store` promises. `create` gives a fresh one whose origin does not exist yet. */
export async function sourceSuite(t: Test, create: (t: Test) => Promise<SourceUnderTest>): Promise<void> {
  const follow = (t: Test, source: MembershipSource) => {
    const abort = new AbortController();
    const reports = source.watch(abort.signal)[Symbol.asyncIterator]();
    t.teardown(() => abort.abort());
    return {
      abort: () => abort.abort(),
      next: async (): Promise<SourceReport | 'end'> => {
        const { done, value } = await reports.next();
        return done ? 'end' : value;
      },
    };
  };
  const membersOf = (t: Test, report: SourceReport | 'end'): MembersReport => {
    if (report === 'end' || report.kind !== 'members') {
      t.fail(`a members report was expected: ${report === 'end' ? report : report.error.message}`);
      throw new Error('no members');
    }
    return report;
  };
  /** Where members leave a tombstone, it is none of them. */
  const said = ({ members }: MembersReport): readonly Told[] =>
    members.filter(({ state }) => state !== 'LEFT').map(({ id, address, zone, partition }) => ({ id, address, zone, partition }));

  await t.test('the first report is the full set, and says of which ring and when', async (t) => {
    const { source, say, clock, told = all } = await create(t);
    await say([A, B]);
    const report = membersOf(t, await follow(t, source).next());
    t.strictSame(said(report), [A, B].map(told));
    t.equal(report.ring, 'live-store');
    t.equal(report.asOfMs, clock.nowMs());
    t.ok(report.members.every(({ state }) => state === 'ACTIVE'));
  });

  await t.test('each change is reported as a full set again', async (t) => {
    const { source, say, look, told = all, isNeverEmpty } = await create(t);
    await say([A]);
    const watch = follow(t, source);
    t.strictSame(said(membersOf(t, await watch.next())), [A].map(told));
    for (const members of [
      [A, B, C],
      [B, C],
      [{ ...B, address: '10.0.1.9:9096' }, C],
    ]) {
      await say(members);
      await look();
      t.strictSame(said(membersOf(t, await watch.next())), members.map(told));
    }
    await say([]);
    await look();
    const none = await watch.next();
    if (isNeverEmpty) t.match(none, { kind: 'failed' });
    else t.strictSame(said(membersOf(t, none)), []);
  });

  await t.test('a source that is down at the start says so in one line, and works once it is there', async (t) => {
    const { source, say, look, told = all } = await create(t);
    const watch = follow(t, source);
    const report = await watch.next();
    t.match(report, { kind: 'failed', error: { name: 'RingwayError' } });
    if (report !== 'end' && report.kind === 'failed') t.notMatch(report.error.message, '\n');
    await say([C]);
    await look();
    t.strictSame(said(membersOf(t, await watch.next())), [C].map(told));
  });

  await t.test('a failure is reported each time it is tried, and the same members again after it', async (t) => {
    const { source, say, spoil, look, told = all } = await create(t);
    await say([A]);
    const watch = follow(t, source);
    membersOf(t, await watch.next());
    await spoil();
    for (let i = 0; i < 2; i += 1) {
      await look();
      t.match(await watch.next(), { kind: 'failed' });
    }
    await say([A]);
    await look();
    t.strictSame(said(membersOf(t, await watch.next())), [A].map(told));
  });

  await t.test('it ends when the signal aborts, whatever it is doing, and leaves no timer', async (t) => {
    const { source, say, clock } = await create(t);
    await say([A]);
    const waiting = follow(t, source);
    membersOf(t, await waiting.next());
    const pending = waiting.next();
    waiting.abort();
    t.equal(await pending, 'end');
    const early = follow(t, source);
    const first = early.next();
    early.abort();
    await first;
    t.equal(await early.next(), 'end');
    const never = follow(t, source);
    never.abort();
    t.equal(await never.next(), 'end');
    t.equal(clock.pending, 0);
  });

  await t.test('two watches at once do not disturb each other', async (t) => {
    const { source, say, told = all } = await create(t);
    await say([A, C]);
    const [one, other] = [follow(t, source), follow(t, source)];
    t.strictSame(said(membersOf(t, await one.next())), [A, C].map(told));
    one.abort();
    t.strictSame(said(membersOf(t, await other.next())), [A, C].map(told));
  });
}
