import t from 'tap';
import { isSameContent, mergeRing, nextMergeMs } from '../../src/membership/index.ts';
import type { Disagreement, Member, MergedMember, Ring } from '../../src/membership/types.ts';
import { failing, mergeInput, NOW_MS, reported, speaking } from '../support/membership.ts';

type Sources = Parameters<typeof mergeInput>[0];

const ring = (sources: Sources, nowMs = NOW_MS, previous: Ring | null = null): Ring => mergeRing(mergeInput(sources, { nowMs, previous }));
const find = (of: Ring, id: string): MergedMember => of.members.find((member) => member.id === id) as MergedMember;

/** `state, but partition 0 …` of every member that is asked although it is not ready; `id: reason` of those that are not asked. */
function asked(...members: Member[]): Readonly<Record<string, string>> {
  const merged = ring([speaking('nats', members)]).members;
  return Object.fromEntries(merged.map(({ id, refused, unhealthy, spared }) => [id, refused ?? unhealthy ?? spared ?? 'asked']));
}

t.test('an owner that is JOINING is asked only when its partition has nobody else', async (t) => {
  const joining = (id: string, fields: Partial<Member> = {}): Member => reported(id, { state: 'JOINING', ...fields });
  const spared = 'state JOINING, but partition 0 has no owner that is ready';
  t.strictSame(asked(joining('a'), reported('b')), { a: 'state JOINING', b: 'asked' });
  t.strictSame(asked(joining('a'), joining('b')), { a: spared, b: spared });
  t.strictSame(asked(joining('a'), reported('b', { state: 'LEAVING' })), { a: 'state JOINING', b: 'asked' });
  t.strictSame(asked(joining('a'), reported('b', { partition: 1 })), { a: spared, b: 'asked' }, 'another partition is no help');
  t.strictSame(asked(joining('a', { partition: null })), { a: 'state JOINING' }, 'who owns nothing is the last of nothing');
  const old = NOW_MS - 60_001;
  t.strictSame(
    asked(joining('a'), reported('b', { heartbeatMs: old })),
    { a: spared, b: 'no heartbeat for over 60s' },
    'a crashed neighbour is no help, and is not asked itself',
  );
  t.strictSame(asked(joining('a', { heartbeatMs: old }), joining('b', { heartbeatMs: old })), { a: 'state JOINING', b: 'state JOINING' });
  t.strictSame(asked(joining('a', { heartbeatMs: null })), { a: spared }, 'a source without heartbeats');
  const refused = 'address "127.0.0.1:1" is a loopback address (allowed only when allowedAddresses lists it)';
  t.strictSame(asked(joining('a'), reported('b', { address: '127.0.0.1:1' })), { a: spared, b: refused });
  t.strictSame(asked(joining('a', { address: '127.0.0.1:1' })), { a: refused }, 'who may not be dialled is not asked');
});

t.test('a rolling restart behind our own gate: every partition always has somebody who is asked', async (t) => {
  const [ready, joining] = ['ACTIVE', 'JOINING'] as const;
  let before: Ring | null = null;
  const steps = [
    [ready, ready],
    [joining, ready],
    [joining, joining],
    [ready, joining],
    [ready, ready],
  ] as const;
  const seen = steps.map(([a, b], i) => {
    const nowMs = NOW_MS + i * 1000;
    const members = [reported('a', { state: a, heartbeatMs: nowMs }), reported('b', { state: b, heartbeatMs: nowMs, zone: 'zone-b' })];
    before = ring([speaking('nats', members)], nowMs, before);
    return before.members.map(({ unhealthy, spared }) => (unhealthy === null ? (spared === null ? 'asked' : 'spared') : 'not asked'));
  });
  t.strictSame(seen, [
    ['asked', 'asked'],
    ['not asked', 'asked'],
    ['spared', 'spared'],
    ['asked', 'not asked'],
    ['asked', 'asked'],
  ]);
});

t.test('a heartbeat from the future ages from when it was first heard', async (t) => {
  const hourAhead = NOW_MS + 3_600_000;
  const [skewed, other] = [reported('a', { heartbeatMs: hourAhead }), reported('b', { heartbeatMs: null })];
  const at = (nowMs: number, previous: Ring | null, member = skewed): Ring => ring([speaking('tempo', [member, other])], nowMs, previous);
  const first = at(NOW_MS, null);
  t.match(find(first, 'a'), { heartbeatMs: NOW_MS, unhealthy: null });
  t.equal(nextMergeMs(mergeInput([speaking('tempo', [skewed, other])]), first), NOW_MS + 60_001);
  const later = at(NOW_MS + 60_000, first);
  t.match(find(later, 'a'), { heartbeatMs: NOW_MS, unhealthy: null });
  const silent = at(NOW_MS + 60_001, later);
  t.match(find(silent, 'a'), { heartbeatMs: NOW_MS, unhealthy: 'no heartbeat for over 60s' });
  const reached = at(hourAhead, silent);
  t.match(
    find(reached, 'a'),
    { heartbeatMs: NOW_MS, unhealthy: 'no heartbeat for over 60s' },
    'it does not rise again when its time comes',
  );
  const moved = at(NOW_MS + 120_000, silent, reported('a', { heartbeatMs: hourAhead + 120_000 }));
  t.match(find(moved, 'a'), { heartbeatMs: NOW_MS + 120_000, unhealthy: null }, 'a clock that is wrong and goes on is alive');
  const corrected = at(NOW_MS + 125_000, moved, reported('a', { heartbeatMs: NOW_MS + 124_000 }));
  t.match(find(corrected, 'a'), { heartbeatMs: NOW_MS + 124_000, unhealthy: null });
});

t.test('when all clocks were set back, queriers go on asking, and so do we', async (t) => {
  const members = ['a', 'b'].map((id) => reported(id, { heartbeatMs: NOW_MS + 300_000 }));
  const first = ring([speaking('tempo', members)]);
  const frozen = ring([speaking('tempo', members)], NOW_MS + 200_000, first);
  t.equal(find(frozen, 'a').spared, 'no heartbeat for over 60s, but partition 0 has no owner that is ready');
  t.equal(
    nextMergeMs(mergeInput([speaking('tempo', members)], { nowMs: NOW_MS + 200_000, previous: first }), frozen),
    NOW_MS + 360_001,
    'until queriers stop',
  );
  t.equal(find(ring([speaking('tempo', members)], NOW_MS + 360_001, frozen), 'a').unhealthy, 'no heartbeat for over 60s');
});

t.test('times that cannot be are no trouble', async (t) => {
  const times = [-1, -9e15, 9e15, 0, -(2 ** 63), 2 ** 63];
  for (const time of times) {
    const merged = ring([speaking('tempo', [reported('a', { heartbeatMs: time, registeredMs: time, partition: null })])]);
    t.equal(find(merged, 'a').unhealthy, time > NOW_MS ? null : 'no heartbeat for over 60s', String(time));
    const next = nextMergeMs(mergeInput([speaking('tempo', [reported('a', { heartbeatMs: time })])]), merged);
    t.ok(next === null || (next > NOW_MS && next <= NOW_MS + 60_001));
  }
});

t.test(
  'sources that hear a member in turn do not make it flap: JOINING, then LEAVING, decides what is heard at the same time',
  async (t) => {
    const states = (own: Member['state'], fields: Partial<Member> = {}): string[] =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((i) => {
        const [tempoMs, natsMs] = [NOW_MS + (i >> 1) * 5000, NOW_MS + ((i + 1) >> 1) * 5000 - 2500];
        const sources = [
          speaking('tempo', [reported('a', { heartbeatMs: tempoMs })]),
          speaking('nats', [reported('a', { state: own, heartbeatMs: natsMs, ...fields })]),
        ];
        return find(ring(sources, NOW_MS + i * 2500), 'a').state;
      });
    t.strictSame([...new Set(states('JOINING'))], ['JOINING']);
    t.strictSame([...new Set(states('LEAVING'))], ['LEAVING']);
    t.strictSame([...new Set(states('PENDING'))].length, 2, 'what makes no difference to queriers is told as it comes');
    const both = (joiningMs: number, leavingMs: number): MergedMember =>
      find(
        ring([
          speaking('one', [reported('a', { heartbeatMs: NOW_MS })]),
          speaking('two', [reported('a', { state: 'JOINING', heartbeatMs: joiningMs })]),
          speaking('three', [reported('a', { state: 'LEAVING', heartbeatMs: leavingMs })]),
        ]),
        'a',
      );
    t.match(both(NOW_MS - 10_000, NOW_MS - 1000), { state: 'JOINING', decidedBy: 'two', heartbeatMs: NOW_MS - 10_000 });
    t.match(both(NOW_MS - 10_001, NOW_MS - 1000), { state: 'LEAVING', decidedBy: 'three' });
    t.match(both(NOW_MS - 10_001, NOW_MS - 10_001), { state: 'ACTIVE', decidedBy: 'one' }, 'an agent that is gone holds nobody back');
  },
);

t.test('where sources are at odds with the ring', async (t) => {
  const told = (sources: Sources, id = 'a'): readonly Disagreement[] => find(ring(sources), id).disagreements;
  const tempo = (fields: Partial<Member> = {}) => speaking('tempo', [reported('a', fields)]);
  const other = (fields: Partial<Member>, name = 'other') => speaking(name, [reported('a', fields)]);
  const one = (reason: string, says: string | null, by: string | null, source = 'other') => [{ reason, source, says, ring: by }];

  t.strictSame(told([tempo()]), [], 'one source is at odds with nobody');
  t.strictSame(told([tempo(), other({})]), []);
  t.strictSame(told([tempo(), other({ state: 'LEAVING' })]), one('state', 'ACTIVE', 'LEAVING', 'tempo'));
  t.strictSame(told([tempo(), other({ state: 'PENDING', heartbeatMs: NOW_MS - 9000 })]), one('state', 'PENDING', 'ACTIVE'));
  t.strictSame(told([tempo(), other({ state: 'LEFT', heartbeatMs: NOW_MS - 9000 })]), one('state', 'LEFT', 'ACTIVE'));
  t.strictSame(told([tempo(), other({ address: 'b.example:1' })]), one('address', 'b.example:1', 'a.stores.example:9096'));
  t.strictSame(told([tempo(), other({ address: 'A.Stores.Example.:9096' })]), [], 'two texts of one address');
  t.strictSame(told([tempo(), other({ zone: 'zone-b' })]), one('zone', 'zone-b', 'zone-a'));
  t.strictSame(told([tempo(), other({ partition: 7 })]), one('partition', '7', '0'));
  t.strictSame(told([tempo(), speaking('other', [])]), one('missing', null, null));
  t.strictSame(told([tempo(), other({ heartbeatMs: NOW_MS - 63_000 })]), [], 'older, but not by more than the timeout');
  t.strictSame(told([tempo(), other({ heartbeatMs: NOW_MS - 63_001 })]), one('heartbeat', 'no heartbeat for over 60s', 'newer'));
  t.strictSame(
    told([tempo(), other({ zone: 'x', partition: 9, state: 'PENDING', heartbeatMs: NOW_MS - 9000 }), speaking('third', [])]).map(
      ({ reason, source }) => [source, reason],
    ),
    [
      ['other', 'state'],
      ['other', 'zone'],
      ['other', 'partition'],
      ['third', 'missing'],
    ],
  );
});

t.test('who does not know a thing is not at odds about it, and who fails is not asked', async (t) => {
  const told = (sources: Sources): readonly string[] =>
    find(ring(sources), 'a').disagreements.map(({ source, reason }) => `${source} ${reason}`);
  const leaving = speaking('tempo', [reported('a', { state: 'LEAVING' })]);
  const bare = (fields: Partial<Member> = {}) =>
    speaking('dns', [reported('a', { zone: '', partition: null, heartbeatMs: null, registeredMs: null, ...fields })]);
  t.strictSame(told([leaving, bare()]), [], 'a name in DNS');
  t.strictSame(told([leaving, bare({ state: 'JOINING' })]), ['dns state'], 'Kubernetes, without heartbeats, says more than ACTIVE');
  t.strictSame(told([bare({ address: '' }), leaving]), []);
  t.strictSame(told([leaving, failing('other', [reported('a', { zone: 'zone-b' })], NOW_MS - 1000)]), []);
  t.strictSame(told([leaving, failing('other', [], NOW_MS - 1000)]), []);
  t.strictSame(told([leaving, { name: 'never', report: null, failure: null }]), []);
  t.strictSame(
    told([failing('tempo', [reported('a', { zone: 'zone-b' })], NOW_MS - 1000), speaking('other', [reported('a')])]),
    ['other zone'],
    'the working one is at odds with what is kept of the other',
  );
  const deleted = speaking('one', [reported('a')], [{ id: 0, state: 'DELETED', owners: [] }]);
  t.strictSame(told([deleted, speaking('two', [reported('a')])]), [], 'about a partition that is gone nobody is');
});

t.test('an address that is claimed twice is a disagreement of who lost it', async (t) => {
  const address = '10.0.0.1:9096';
  const merged = ring([
    speaking('tempo', [reported('old', { address, registeredMs: 1 }), reported('young', { address, registeredMs: 2 })]),
  ]);
  t.strictSame(find(merged, 'old').disagreements, [{ reason: 'address_claimed_twice', source: 'tempo', says: address, ring: 'young' }]);
  t.strictSame(find(merged, 'young').disagreements, []);
});

t.test('disagreements are content; heartbeats of others are not', async (t) => {
  const first = ring([speaking('tempo', [reported('a')]), speaking('nats', [reported('a')])]);
  const later = (fields: Partial<Member>): Ring =>
    ring([speaking('tempo', [reported('a')]), speaking('nats', [reported('a', fields)])], NOW_MS, first);
  t.equal(isSameContent(first, later({ heartbeatMs: NOW_MS })), true);
  t.equal(isSameContent(first, later({ zone: 'zone-b' })), false);
});

t.test('what is as before is the same object', async (t) => {
  const sources = (heartbeatMs: number): Sources => [speaking('tempo', [reported('a', { heartbeatMs }), reported('b')])];
  const first = ring(sources(NOW_MS - 3000));
  t.equal(ring(sources(NOW_MS - 3000), NOW_MS + 1, first), first, 'the whole ring');
  const second = ring(sources(NOW_MS), NOW_MS, first);
  t.not(second, first);
  t.equal(find(second, 'b'), find(first, 'b'), 'a member');
  t.not(find(second, 'a'), find(first, 'a'));
  t.equal(second.partitions, first.partitions);
  t.equal(second.sources, first.sources);
});

t.test('a source that lists a member twice, against its contract, is taken at its first word', async (t) => {
  const merged = ring([speaking('tempo', [reported('a', { zone: 'x' }), reported('a', { zone: 'y', heartbeatMs: NOW_MS })])]);
  t.strictSame(
    merged.members.map(({ id, zone, opinions }) => [id, zone, opinions.length]),
    [['a', 'x', 1]],
  );
});
