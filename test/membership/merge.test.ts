import t from 'tap';
import { diffRings, isSameContent, mergeRing, nextMergeMs, type SourceState } from '../../src/membership/index.ts';
import type { Member, MemberState, MergedMember, PartitionState, Ring } from '../../src/membership/types.ts';
import { failing, mergeInput, NOW_MS, POLICY, reported, speaking } from '../support/membership.ts';

const merged = (...args: Parameters<typeof mergeInput>): MergedMember[] => [...mergeRing(mergeInput(...args)).members];
const one = (...args: Parameters<typeof mergeInput>): MergedMember => {
  const [member, ...rest] = merged(...args);
  if (!member || rest.length > 0) throw new Error(`one member was expected, not ${member ? rest.length + 1 : 0}`);
  return member;
};

t.test('one source, one member: everything as it says', async (t) => {
  t.strictSame(mergeRing(mergeInput([speaking('tempo', [reported('a')], [{ id: 0, state: 'ACTIVE', owners: ['a'] }])])), {
    name: 'live-store',
    members: [
      {
        ...reported('a'),
        opinions: [{ source: 'tempo', member: reported('a'), heardMs: NOW_MS - 3000 }],
        decidedBy: 'tempo',
        disagreements: [],
        refused: null,
        warning: null,
        unhealthy: null,
        spared: null,
        sinceMs: NOW_MS,
      },
    ],
    partitions: [{ id: 0, state: 'ACTIVE', owners: ['a'] }],
    sources: [{ name: 'tempo', ok: true, asOfMs: NOW_MS, error: null, expired: false }],
    emptyGuard: false,
  });
});

t.test('address, zone, partition and registration come from the first source that knows them', async (t) => {
  const cases: readonly (readonly [string, Partial<Member>, Partial<Member>, Partial<Member>])[] = [
    [
      'both',
      { address: 'x:1', zone: 'x', partition: 1, registeredMs: 1 },
      { address: 'y:1', zone: 'y', partition: 2, registeredMs: 2 },
      { address: 'x:1', zone: 'x', partition: 1, registeredMs: 1 },
    ],
    [
      'gaps',
      { address: 'x:1', zone: '', partition: null, registeredMs: null },
      { address: 'y:1', zone: 'y', partition: 2, registeredMs: 2 },
      { address: 'x:1', zone: 'y', partition: 2, registeredMs: 2 },
    ],
    [
      'neither',
      { address: '', zone: '', partition: null, registeredMs: null },
      { address: '', zone: '', partition: null, registeredMs: null },
      { address: '', zone: '', partition: null, registeredMs: null },
    ],
  ];
  for (const [name, first, second, expected] of cases)
    t.match(one([speaking('one', [reported('a', first)]), speaking('two', [reported('a', second)])]), expected, name);
});

t.test('state and heartbeat come from the newest heartbeat', async (t) => {
  type Vital = readonly [MemberState, number | null];
  const cases: readonly (readonly [string, Vital, Vital, MemberState | 'gone', string])[] = [
    ['the second is newer', ['ACTIVE', NOW_MS - 5000], ['LEAVING', NOW_MS - 1000], 'LEAVING', 'two'],
    ['the first is newer', ['ACTIVE', NOW_MS - 1000], ['LEAVING', NOW_MS - 11_001], 'ACTIVE', 'one'],
    ['a tie goes by precedence', ['ACTIVE', NOW_MS], ['PENDING', NOW_MS], 'ACTIVE', 'one'],
    ['a tie with LEFT is LEFT', ['ACTIVE', NOW_MS], ['LEFT', NOW_MS], 'gone', ''],
    ['LEFT first, alive later', ['LEFT', NOW_MS - 5000], ['ACTIVE', NOW_MS], 'ACTIVE', 'two'],
    ['a heartbeat beats none', ['ACTIVE', null], ['JOINING', NOW_MS - 3_600_000], 'JOINING', 'two'],
    ['LEFT with a heartbeat beats a file', ['ACTIVE', null], ['LEFT', NOW_MS - 5000], 'gone', ''],
    ['none at all goes by precedence', ['PENDING', null], ['ACTIVE', null], 'PENDING', 'one'],
  ];
  for (const [name, [state1, heartbeat1], [state2, heartbeat2], state, decidedBy] of cases) {
    const [member] = merged([
      speaking('one', [reported('a', { state: state1, heartbeatMs: heartbeat1 })]),
      speaking('two', [reported('a', { state: state2, heartbeatMs: heartbeat2 })]),
    ]);
    t.equal(member?.state ?? 'gone', state, name);
    t.equal(member?.decidedBy ?? '', decidedBy, name);
    if (member)
      t.strictSame(
        member.opinions.map(({ source, member: said }) => [source, said.state]),
        [
          ['one', state1],
          ['two', state2],
        ],
        name,
      );
  }
});

t.test('members of all sources, in order of id', async (t) => {
  const ring = mergeRing(mergeInput([speaking('one', [reported('c'), reported('a')]), speaking('two', [reported('b'), reported('a')])]));
  t.strictSame(
    ring.members.map(({ id, opinions }) => [id, opinions.map(({ source }) => source)]),
    [
      ['a', ['one', 'two']],
      ['b', ['two']],
      ['c', ['one']],
    ],
  );
});

t.test('health is what a querier decides', async (t) => {
  const cases: readonly (readonly [MemberState, number | null, string | null])[] = [
    ['ACTIVE', NOW_MS - 60_000, null],
    ['ACTIVE', NOW_MS - 60_001, 'no heartbeat for over 60s'],
    ['ACTIVE', NOW_MS + 5000, null],
    ['ACTIVE', null, null],
    ['PENDING', NOW_MS, null],
    ['LEAVING', NOW_MS, null],
    ['JOINING', NOW_MS, 'state JOINING'],
    ['JOINING', null, 'state JOINING'],
  ];
  for (const [state, heartbeatMs, unhealthy] of cases) {
    const member = reported('a', { state, heartbeatMs, partition: null });
    t.equal(one([speaking('tempo', [member])]).unhealthy, unhealthy, `${state} ${heartbeatMs}`);
  }
  const short = mergeInput([speaking('tempo', [reported('a', { heartbeatMs: NOW_MS - 20_000 })])], {
    policy: { ...POLICY, heartbeatTimeoutMs: 10_000 },
  });
  t.equal(mergeRing(short).members[0]?.unhealthy, 'no heartbeat for over 10s');
});

t.test('while the source that decided fails, heartbeats grow no older', async (t) => {
  const old = reported('a', { heartbeatMs: NOW_MS - 90_000 });
  t.equal(one([failing('tempo', [old], NOW_MS - 40_000)]).unhealthy, null, '50 s old when the source failed');
  t.equal(one([failing('tempo', [old], NOW_MS - 20_000)]).unhealthy, 'no heartbeat for over 60s', '70 s old when the source failed');
  t.equal(one([failing('tempo', [old], NOW_MS - 40_000), speaking('other', [old])]).unhealthy, null, 'precedence decides a tie');
});

t.test('a failed source keeps its last report until staleAfter', async (t) => {
  const sources = [failing('tempo', [reported('a')], NOW_MS - 599_999), speaking('static', [reported('b', { heartbeatMs: null })])];
  t.strictSame(
    merged(sources).map(({ id }) => id),
    ['a', 'b'],
  );
  const later = mergeRing(mergeInput(sources, { nowMs: NOW_MS + 1 }));
  t.strictSame(
    later.members.map(({ id }) => id),
    ['b'],
  );
  t.strictSame(later.sources, [
    { name: 'tempo', ok: false, asOfMs: NOW_MS - 599_999, error: 'tempo is down', expired: true },
    { name: 'static', ok: true, asOfMs: NOW_MS, error: null, expired: false },
  ]);
  const never = mergeRing(mergeInput([{ name: 'tempo', report: null, failure: null }]));
  t.strictSame(never.sources, [{ name: 'tempo', ok: false, asOfMs: null, error: null, expired: false }]);
  const down = mergeRing(mergeInput([{ name: 'tempo', report: null, failure: { sinceMs: NOW_MS, error: 'down' } }]));
  t.strictSame(down.sources, [{ name: 'tempo', ok: false, asOfMs: null, error: 'down', expired: false }]);
});

t.test('a source that was never read is waited for as long as it could name somebody whom queriers dial', async (t) => {
  const partitions = [{ id: 0, state: 'ACTIVE', owners: ['a'] }] as const;
  const ring = speaking('tempo', [reported('a')], partitions);
  const file = speaking('static', [reported('a', { heartbeatMs: null })]);
  const down = (name: string, forMs: number): SourceState => ({ name, report: null, failure: { sinceMs: NOW_MS - forMs, error: 'down' } });
  const silent: SourceState = { name: 'silent', report: null, failure: null };
  const cases: readonly (readonly [what: string, sources: readonly SourceState[], expired: readonly string[]])[] = [
    ['not yet', [ring, down('nats', 29_999)], []],
    ['the ring was read before it', [ring, down('nats', 30_000)], ['nats']],
    ['both that come after it', [ring, down('nats', 30_000), down('kubernetes', 30_000)], ['nats', 'kubernetes']],
    ['what is above the ring was read, too', [file, ring, down('nats', 30_000)], ['nats']],
    ['one in between says nothing', [ring, silent, down('nats', 30_000)], ['nats']],
    ['who is above the ring decides addresses', [down('nats', 599_999), ring], []],
    ['the same, for others as well', [silent, ring, down('nats', 599_999)], []],
    ['a file is not the ring', [file, down('nats', 599_999)], []],
    ['nor is a bus', [speaking('nats', [reported('a')]), down('tempo', 599_999)], []],
    ['nor is a ring without members', [speaking('tempo', [], partitions), down('nats', 599_999)], []],
    ['what it has said counts longer', [ring, failing('nats', [reported('a')], NOW_MS - 599_999)], []],
    ['the ring itself fails meanwhile', [{ ...ring, failure: { sinceMs: NOW_MS, error: 'down' } }, down('nats', 30_000)], ['nats']],
    ['as long as anybody', [down('nats', 600_000), ring], ['nats']],
  ];
  for (const [what, sources, expired] of cases) {
    const statuses = mergeRing(mergeInput(sources)).sources;
    t.strictSame(
      statuses.filter((source) => source.expired).map(({ name }) => name),
      expired,
      what,
    );
  }
  const short = mergeInput([ring, down('nats', 10_000)], { policy: { ...POLICY, staleAfterMs: 10_000 } });
  t.equal(mergeRing(short).sources[1]?.expired, true, 'never longer than staleAfter');
});

t.test('a warning stands beside ok', async (t) => {
  const source = speaking('tempo', [reported('a')]);
  const warned = { ...source, report: source.report && { ...source.report, warning: 'one of two peers is down' } };
  t.match(mergeRing(mergeInput([warned])).sources, [{ ok: true, error: 'one of two peers is down' }]);
});

t.test('an address that two members claim stays with the newer registration', async (t) => {
  const address = '10.0.0.1:9096';
  const claim = (id: string, registeredMs: number | null, fields: Partial<Member> = {}) =>
    reported(id, { address, registeredMs, ...fields });
  const refusals = (...members: Member[]) =>
    Object.fromEntries(merged([speaking('tempo', members)]).map(({ id, refused }) => [id, refused]));
  const lost = (to: string) => `address "${address}" is also claimed by ${to}, which keeps it`;
  t.strictSame(refusals(claim('old', 1), claim('young', 2)), { old: lost('young'), young: null });
  t.strictSame(refusals(claim('a', 2), claim('b', 1), claim('c', 3)), { a: lost('c'), b: lost('c'), c: null });
  t.strictSame(refusals(claim('a', null), claim('b', 1)), { a: lost('b'), b: null }, 'an unknown registration is the oldest');
  t.strictSame(
    refusals(claim('a', 1, { heartbeatMs: 5 }), claim('b', 1, { heartbeatMs: 6 })),
    { a: lost('b'), b: null },
    'then the newer heartbeat',
  );
  t.strictSame(
    refusals(claim('b', null, { heartbeatMs: null }), claim('a', null, { heartbeatMs: null })),
    { a: null, b: lost('a') },
    'then the id',
  );
  t.strictSame(refusals(claim('a', 1), claim('b', 2, { state: 'LEFT' })), { a: null }, 'who has left claims nothing');
  t.strictSame(
    refusals(reported('a', { address: '[FD00::0:1]:1', registeredMs: 1 }), reported('b', { address: '[fd00::1]:1', registeredMs: 2 })),
    { a: 'address "[FD00::0:1]:1" is also claimed by b, which keeps it', b: null },
    'two texts of one address',
  );
  const special = refusals(claim('a', 1, { address: '127.0.0.1:1' }), claim('b', 2, { address: '127.0.0.1:1' }));
  t.match(special, { a: /is a loopback address/, b: /is a loopback address/ }, 'who is refused anyway claims nothing');
});

t.test('names that could be mistaken are refused', async (t) => {
  const refused = (id: string, zone: string) => one([speaking('tempo', [reported(id, { zone, address: '10.0.0.1:1' })])]).refused;
  t.equal(refused('live-store-0', 'zone a'), null);
  t.equal(refused('a\nb', ''), 'id "a\\nb" is not 1 to 253 visible ASCII characters');
  t.equal(refused('', ''), 'id "" is not 1 to 253 visible ASCII characters');
  t.equal(refused('a', 'z\u0000'), 'zone "z\\u0000" is not up to 253 ASCII characters');
});

t.test('partitions: the first source that knows one decides, DELETED goes, owners are members', async (t) => {
  const partition = (id: number, state: PartitionState) => ({ id, state, owners: ['whoever'] });
  const members = [
    reported('a', { partition: 1 }),
    reported('b', { partition: 2 }),
    reported('c', { partition: 3 }),
    reported('d', { partition: null }),
  ];
  const ring = mergeRing(
    mergeInput([
      speaking('one', members, [partition(2, 'DELETED'), partition(4, 'PENDING')]),
      speaking('two', [reported('e', { partition: 1 })], [partition(2, 'ACTIVE'), partition(1, 'INACTIVE'), partition(4, 'ACTIVE')]),
    ]),
  );
  t.strictSame(ring.partitions, [
    { id: 1, state: 'INACTIVE', owners: ['a', 'e'] },
    { id: 3, state: 'ACTIVE', owners: ['c'] },
    { id: 4, state: 'PENDING', owners: [] },
  ]);
  t.strictSame(
    ring.members.map((member) => [member.id, member.partition]),
    [
      ['a', 1],
      ['b', null],
      ['c', 3],
      ['d', null],
      ['e', 1],
    ],
  );
});

t.test('PENDING, INACTIVE and UNKNOWN partitions keep their owners, who are asked, until they are DELETED', async (t) => {
  for (const state of ['PENDING', 'INACTIVE', 'UNKNOWN', 'ACTIVE', 'DELETED'] as const) {
    const ring = mergeRing(mergeInput([speaking('tempo', [reported('a', { partition: 3 })], [{ id: 3, state, owners: ['a', 'gone'] }])]));
    const kept = state !== 'DELETED';
    t.strictSame(ring.partitions, kept ? [{ id: 3, state, owners: ['a'] }] : [], state);
    t.match(ring.members, [{ id: 'a', partition: kept ? 3 : null, unhealthy: null, refused: null }], state);
  }
});

t.test('an owner that is given another partition owns that one only', async (t) => {
  const owns = (partition: number, previous: Ring | null): Ring =>
    mergeRing(mergeInput([speaking('tempo', [reported('a', { partition }), reported('b')])], { previous }));
  const after = owns(1, owns(0, null));
  t.strictSame(
    after.partitions.map(({ id, owners }) => [id, owners]),
    [
      [0, ['b']],
      [1, ['a']],
    ],
  );
});

t.test('a ring that had members and would have none keeps them', async (t) => {
  const before = mergeRing(mergeInput([speaking('tempo', [reported('a')])]));
  const none = speaking('tempo', []);
  const later = { previous: before, nowMs: NOW_MS + 3_600_000 };
  const held = mergeRing(mergeInput([none], later));
  t.strictSame(held, { ...before, emptyGuard: true }, 'and their health');
  t.strictSame(mergeRing(mergeInput([none], { ...later, previous: held })), held, 'as long as it is empty');
  const left = speaking('tempo', [reported('a', { state: 'LEFT', heartbeatMs: NOW_MS })]);
  t.equal(mergeRing(mergeInput([left], later)).emptyGuard, true, 'also when the last one leaves in good order');
  t.equal(mergeRing(mergeInput([failing('tempo', [reported('a')], NOW_MS)], later)).emptyGuard, true, 'also when its source has expired');
  const back = mergeRing(mergeInput([speaking('tempo', [reported('b')])], { ...later, previous: held }));
  t.strictSame(
    back.members.map(({ id }) => id),
    ['b'],
  );
  t.equal(back.emptyGuard, false);
  const never = mergeRing(mergeInput([none]));
  t.strictSame([never.members, never.emptyGuard], [[], true], 'nor is it believed of a ring that never had members');
  const silent = { name: 'static', report: null, failure: null };
  t.equal(mergeRing(mergeInput([none, silent])).emptyGuard, false, 'while a source has not spoken nobody says so');
});

t.test('an operator may allow it, but only sources that work say that a ring is empty', async (t) => {
  const policy = { ...POLICY, allowEmpty: true };
  const before = mergeRing(mergeInput([speaking('tempo', [reported('a')])]));
  const after = (...sources: Parameters<typeof mergeInput>[0]) => {
    const { members, emptyGuard } = mergeRing(mergeInput(sources, { policy, previous: before, nowMs: NOW_MS + 3_600_000 }));
    return { members: members.length, emptyGuard };
  };
  t.strictSame(after(speaking('tempo', [])), { members: 0, emptyGuard: false });
  t.strictSame(after(failing('tempo', [reported('a')], NOW_MS)), { members: 1, emptyGuard: true });
  t.strictSame(after(speaking('tempo', []), failing('static', [], NOW_MS)), { members: 1, emptyGuard: true });
  t.strictSame(after(speaking('tempo', []), { name: 'static', report: null, failure: null }), { members: 1, emptyGuard: true });
});

t.test('since when a member is as it is', async (t) => {
  const first = mergeRing(mergeInput([speaking('tempo', [reported('a'), reported('b'), reported('c')])]));
  const members = [
    reported('a', { heartbeatMs: NOW_MS + 5000, zone: 'zone-x' }),
    reported('b', { state: 'LEAVING', heartbeatMs: NOW_MS }),
    reported('d'),
  ];
  const second = mergeRing(mergeInput([speaking('tempo', members)], { previous: first, nowMs: NOW_MS + 1000 }));
  t.strictSame(
    second.members.map(({ id, sinceMs }) => [id, sinceMs]),
    [
      ['a', NOW_MS],
      ['b', NOW_MS + 1000],
      ['d', NOW_MS + 1000],
    ],
  );
  const third = mergeRing(mergeInput([speaking('tempo', members)], { previous: second, nowMs: NOW_MS + 58_000 }));
  t.equal(third.members.find(({ id }) => id === 'd')?.sinceMs, NOW_MS + 58_000, 'its heartbeat has become too old');
});

t.test('when the next merge is due by time alone', async (t) => {
  const due = (...args: Parameters<typeof mergeInput>) => nextMergeMs(mergeInput(...args), mergeRing(mergeInput(...args)));
  const [young, old] = [reported('a', { heartbeatMs: NOW_MS - 1000 }), reported('b', { heartbeatMs: NOW_MS - 50_000 })];
  t.equal(due([speaking('tempo', [young, old])]), NOW_MS + 10_001);
  t.equal(due([speaking('tempo', [reported('a', { heartbeatMs: null })])]), null, 'no heartbeats, no time');
  t.equal(due([speaking('tempo', [reported('a', { heartbeatMs: NOW_MS - 60_001 })])]), null, 'too old already');
  t.equal(due([failing('tempo', [young], NOW_MS - 1000)]), NOW_MS + 599_000, 'a failing source expires, its heartbeats stand still');
  t.equal(due([{ name: 'tempo', report: null, failure: { sinceMs: NOW_MS, error: 'down' } }]), NOW_MS + 600_000, 'so does one never read');
  t.equal(due([{ name: 'tempo', report: null, failure: null }]), null);
  const whole = speaking('tempo', [reported('a', { heartbeatMs: NOW_MS })], [{ id: 0, state: 'ACTIVE', owners: ['a'] }]);
  t.equal(due([whole, { name: 'nats', report: null, failure: { sinceMs: NOW_MS, error: 'down' } }]), NOW_MS + 30_000);
  const before = mergeRing(mergeInput([speaking('tempo', [young])]));
  t.equal(due([speaking('tempo', [])], { previous: before }), null, 'members that are held back do not age');
});

t.test('the difference of two rings, and what is content', async (t) => {
  const before = mergeRing(mergeInput([speaking('tempo', [reported('a'), reported('b'), reported('c')])]));
  const changes = [
    reported('b', { address: 'new.example:1', zone: '', partition: null, state: 'JOINING', registeredMs: 7 }),
    reported('c', { heartbeatMs: NOW_MS }),
    reported('d'),
  ];
  const after = mergeRing(mergeInput([speaking('tempo', changes)], { previous: before }));
  const { added, removed, changed } = diffRings(before, after);
  t.strictSame(
    [added, removed].map((list) => list.map(({ id }) => id)),
    [['d'], ['a']],
  );
  t.strictSame(
    changed.map(({ before, after, fields }) => [before.id, after.id, fields]),
    [['b', 'b', ['address', 'zone', 'partition', 'state', 'registeredMs', 'unhealthy']]],
  );
  t.strictSame(
    diffRings(null, before).added.map(({ id }) => id),
    ['a', 'b', 'c'],
  );

  const same = (fields: Partial<Member>) =>
    isSameContent(
      before,
      mergeRing(
        mergeInput([speaking('tempo', [reported('a', fields), reported('b'), reported('c')])], { previous: before, nowMs: NOW_MS + 1 }),
      ),
    );
  t.equal(same({ heartbeatMs: NOW_MS }), true, 'a newer heartbeat');
  t.equal(same({ zone: 'other' }), false);
  t.equal(same({ heartbeatMs: NOW_MS - 61_000 }), false, 'a heartbeat that is too old');
  const failed = mergeRing(mergeInput([failing('tempo', [reported('a'), reported('b'), reported('c')], NOW_MS)], { previous: before }));
  t.equal(isSameContent(before, failed), false, 'a source that fails');
  const otherwise = { ...failed, sources: failed.sources.map((source) => ({ ...source, error: 'another text', asOfMs: 5 })) };
  t.equal(isSameContent(failed, otherwise), true, 'another error text');
});
