import t, { type Test } from 'tap';
import type { HostPort } from '../../../../src/core/index.ts';
import { decodeInstanceRing, decodePartitionRing, type Instance, type InstanceRing } from '../../../../src/membership/dskit/index.ts';
import { createGossipSource, type GossipSourceOptions, type SeedDns } from '../../../../src/membership/sources/gossip/index.ts';
import type { Member, SourceReport } from '../../../../src/membership/types.ts';
import { DnsError } from '../../../../src/transport/dns/index.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { type MemberlistPeer, ringPairs, startMemberlistPeer } from '../../../support/memberlist-peer.ts';
import { recordedRing } from '../../../support/recorded-rings.ts';
import { sourceDeps } from '../../../support/source-deps.ts';

const RING = decodeInstanceRing(recordedRing('running').instanceBytes);
const PARTITIONS = decodePartitionRing(recordedRing('running').partitionBytes);
const ID = 'live-store-zone-a-0';
const { heartbeatMs: HEARTBEAT_MS } = RING.get(ID) as Instance;

const optionsFor = (...seeds: readonly string[]): GossipSourceOptions => ({
  name: 'gossip',
  ring: 'live-store',
  seeds,
  everyMs: 1000,
  timeoutMs: 2000,
  clusterLabel: '',
  keys: { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' },
  tls: null,
});

const changed = (id: string, fields: Partial<Instance>): InstanceRing =>
  new Map([...RING].map(([key, instance]) => [key, key === id ? { ...instance, ...fields } : instance]));
const without = (id: string): InstanceRing => new Map([...RING].filter(([key]) => key !== id));

async function startPeer(t: Test, ring: InstanceRing = RING, host?: string): Promise<MemberlistPeer> {
  const peer = await startMemberlistPeer(t, host === undefined ? {} : { host });
  tell(peer, ring);
  return peer;
}

function tell(peer: MemberlistPeer, ring: InstanceRing): void {
  peer.pairs = ringPairs(ring, PARTITIONS);
  peer.answer = null;
}

const refuse = (peer: MemberlistPeer): void => {
  peer.answer = (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
};

/** One watch of a source on a clock that only moves when told. */
function watch(t: Test, options: GossipSourceOptions, dns: SeedDns = NO_DNS) {
  const clock = new FakeClock();
  const abort = new AbortController();
  const reports = createGossipSource(options, sourceDeps(clock), () => dns)
    .watch(abort.signal)
    [Symbol.asyncIterator]();
  t.teardown(() => abort.abort());
  const next = async (): Promise<SourceReport> => {
    const { value, done } = await reports.next();
    if (done) throw new Error('the stream ended');
    return value;
  };
  /** The first report that is as wanted; of others there must be less than ten. */
  const until = async (wanted: (report: SourceReport) => boolean): Promise<SourceReport> => {
    for (let i = 0; i < 10; i += 1) {
      const report = await next();
      if (wanted(report)) return report;
    }
    throw new Error('ten reports, and none as wanted');
  };
  /** Time goes on by so much, and each of these peers is asked and has answered. */
  const round = async (byMs: number, ...peers: readonly MemberlistPeer[]): Promise<void> => {
    const before = peers.map(({ requests }) => requests.length);
    await clock.advance(byMs);
    while (peers.some(({ requests, open }, i) => requests.length === before[i] || open > 0)) await settle();
    for (let i = 0; i < 5; i += 1) await settle();
  };
  return { clock, next, until, round };
}

const memberOf = (report: SourceReport, id = ID): Member | undefined =>
  report.kind === 'members' ? report.members.find((member) => member.id === id) : undefined;
const isKnown = (report: SourceReport): boolean => memberOf(report) !== undefined;
const textOf = (report: SourceReport): string | undefined => (report.kind === 'failed' ? report.error.message : report.warning);

const NO_DNS: SeedDns = {
  addresses: () => Promise.reject(new Error('nobody asks')),
  targets: () => Promise.reject(new Error('nobody asks')),
  services: () => Promise.reject(new Error('nobody asks')),
  close: () => {},
};

t.test('the newest of each entry counts, whichever peer says it, and a late peer takes nothing back', async (t) => {
  const [one, other] = [await startPeer(t), await startPeer(t)];
  const { next, round, until } = watch(t, optionsFor(one.address, other.address));
  t.equal(memberOf(await next())?.state, 'ACTIVE');
  tell(other, changed(ID, { state: 'LEFT', heartbeatMs: HEARTBEAT_MS + 5000 }));
  await round(1000, one, other);
  await until((report) => memberOf(report)?.state === 'LEFT');
  for (let i = 0; i < 3; i += 1) {
    await round(1000, one, other);
    t.equal(memberOf(await next())?.state, 'LEFT', 'the late peer still says ACTIVE');
  }
});

t.test('behind one name may be another peer each time: what the other one did not know stays', async (t) => {
  const peer = await startPeer(t);
  const { next, round } = watch(t, optionsFor(peer.address));
  t.equal(isKnown(await next()), true);
  for (const ring of [without(ID), RING, without(ID)]) {
    tell(peer, ring);
    await round(1000, peer);
    t.equal(isKnown(await next()), true);
  }
});

t.test('what nobody says any more is forgotten when gossip would have brought it, but no outage makes forget', async (t) => {
  const peer = await startPeer(t);
  const { clock, next, round, until } = watch(t, optionsFor(peer.address));
  t.equal(isKnown(await next()), true);
  tell(peer, without(ID));
  for (let second = 1; second <= 30; second += 1) {
    await round(1000, peer);
    if (!isKnown(await next())) t.fail(`forgotten after ${second} s`);
  }
  await round(1000, peer);
  t.equal(isKnown(await next()), false, '31 s after it was last said');

  tell(peer, RING);
  await round(1000, peer);
  t.equal(isKnown(await next()), true);
  refuse(peer);
  for (let i = 0; i < 40; i += 1) {
    await round(1000, peer);
    await until(({ kind }) => kind === 'failed');
  }
  await clock.advance(900);
  tell(peer, without(ID));
  await round(100, peer);
  t.equal(isKnown(await until(({ kind }) => kind === 'members')), true, 'a young peer, after forty seconds in which nobody answered');
});

t.test('a ring that was too much for what is known is read when that is forgotten', async (t) => {
  const crowd = (name: string): InstanceRing =>
    new Map(Array.from({ length: 60_000 }, (_, i) => [`${name}-${i}`, { ...(RING.get(ID) as Instance), id: `${name}-${i}` }]));
  const peer = await startPeer(t, crowd('a'));
  const { next, round, until } = watch(t, optionsFor(peer.address));
  t.match(await next(), { members: { length: 60_000 } });
  tell(peer, crowd('b'));
  await round(1000, peer);
  t.match(textOf(await until(({ kind }) => kind === 'failed')), /the ring would have 12000\d entries with it, at most 100000 are allowed$/);
  for (let second = 2; second <= 31; second += 1) await round(1000, peer);
  t.match(await until(({ kind }) => kind === 'members'), { members: { length: 60_000 } });
});

t.test('a peer that fails is a warning while another works; when all fail, that is said of each, within reason', async (t) => {
  const [one, other] = [await startPeer(t), await startPeer(t)];
  const { next, round, until } = watch(t, optionsFor(one.address, other.address));
  t.equal(textOf(await next()), undefined);
  refuse(other);
  await round(1000, one, other);
  const problem = 'the reply is no gossip but begins with "HTTP/1.1 400 Bad Request"';
  t.equal(textOf(await until((report) => textOf(report) !== undefined)), `${other.address}: ${problem}`);
  refuse(one);
  await round(1000, one, other);
  const failed = await until(({ kind }) => kind === 'failed');
  t.equal(textOf(failed), `${one.address}: ${problem}; ${other.address}: ${problem}`);
  tell(one, RING);
  await round(1000, one, other);
  t.match(await until(({ kind }) => kind === 'members'), { warning: `${other.address}: ${problem}` });

  const many = await Promise.all(Array.from({ length: 5 }, () => startPeer(t)));
  for (const peer of many) refuse(peer);
  const report = await watch(t, optionsFor(...many.map(({ address }) => address))).next();
  t.match(report, { kind: 'failed', error: { code: 'NO_PEER_WORKS', message: /^(127\.0\.0\.1:\d+: [^;]+; ){3}and 2 more$/ } });
});

t.test('the first report waits for every peer; afterwards nobody waits for one that hangs', async (t) => {
  const [young, slow] = [await startPeer(t, new Map([...RING].slice(0, 1))), await startPeer(t)];
  const first = await watch(t, optionsFor(young.address, slow.address)).next();
  t.equal(first.kind === 'members' && first.members.length, 4, 'not the part that a peer knows that has just started');

  slow.answer = () => {};
  const { clock, next, round } = watch(t, optionsFor(young.address, slow.address));
  const report = next();
  while (slow.open < 1) await settle();
  await round(1999, young);
  await clock.advance(1);
  t.match(await report, { kind: 'members', members: { length: 1 }, warning: `${slow.address}: did not answer within 2000ms` });
  for (let i = 0; i < 3; i += 1) {
    await round(1000, young);
    t.match(await next(), { kind: 'members' });
  }
});

t.test('news are reported at once, heartbeats once each every, however many peers there are', async (t) => {
  const peers = await Promise.all([1, 2, 3, 4].map(() => startPeer(t)));
  const clock = new FakeClock();
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const reports: SourceReport[] = [];
  let random = 0;
  const source = createGossipSource(
    optionsFor(...peers.map(({ address }) => address)),
    { ...sourceDeps(clock), random: () => (random = (random + 0.3) % 1) },
    () => NO_DNS,
  );
  const reading = (async () => {
    for await (const report of source.watch(abort.signal)) reports.push(report);
  })();
  const asked = (): number => peers.reduce((sum, { requests }) => sum + requests.length, 0);
  while (reports.length === 0) await settle();
  for (let i = 0; i < 100; i += 1) {
    await clock.advance(100);
    while (peers.some(({ open }) => open > 0)) await settle();
    for (let j = 0; j < 3; j += 1) await settle();
  }
  t.ok(asked() >= 36 && asked() <= 50, 'each peer once a second', { asked: asked() });
  t.ok(reports.length >= 10 && reports.length <= 22, 'a report each half a second to a second', { reports: reports.length });
  const { length } = reports;
  tell(peers[0] as MemberlistPeer, changed(ID, { state: 'LEAVING', heartbeatMs: HEARTBEAT_MS + 1000 }));
  for (let i = 0; i < 12 && memberOf(reports.at(-1) as SourceReport)?.state !== 'LEAVING'; i += 1) {
    await clock.advance(100);
    while (peers.some(({ open }) => open > 0)) await settle();
    for (let j = 0; j < 3; j += 1) await settle();
  }
  t.equal(memberOf(reports.at(-1) as SourceReport)?.state, 'LEAVING');
  t.ok(reports.length > length);
  abort.abort();
  await reading;
});

t.test('peers that all send the most that one may do not get that much memory', async (t) => {
  const most = Buffer.alloc(20 * 1024 * 1024, 6);
  const greedy = await Promise.all([1, 2, 3, 4].map(() => startPeer(t)));
  for (const peer of greedy) peer.answer = (socket) => void socket.write(most);
  const { clock, next, until } = watch(t, optionsFor(...greedy.map(({ address }) => address)));
  const first = next();
  while (greedy.some(({ requests }) => requests.length === 0) || greedy.every(({ open }) => open > 0)) await settle();
  t.equal(greedy.filter(({ open }) => open === 0).length, 1, 'one of the four is refused while the others still send');
  await clock.advance(2000);
  t.match(textOf(await first), /sent more than there is room for beside the other answers|; and 1 more$/, 'three are named');
  for (const peer of greedy) tell(peer, RING);
  await clock.advance(1000);
  t.match(await until(({ kind }) => kind === 'members'), { members: { length: 4 } }, 'the room is given back');
});

t.test('one seed is enough: the members of the gossip it names are asked too, and shunned when they do not answer', async (t) => {
  const [seed, other] = [await startPeer(t, without(ID)), await startPeer(t)];
  const gone = await startPeer(t);
  await gone.close();
  const at = (peer: MemberlistPeer): HostPort => ({ host: '127.0.0.1', port: peer.port });
  seed.nodes = [at(seed), at(other), at(gone), { ...at(other), state: 2 }];
  other.nodes = [{ host: '127.0.0.1', port: 1 }];
  const { next, round, until } = watch(t, optionsFor(`localhost:${seed.port}`));
  t.equal(isKnown(await next()), false, 'nobody waits for them');
  const report = await until(isKnown);
  t.equal(textOf(report), undefined, 'one that does not answer is no warning');
  t.equal(seed.requests.length, 1, 'it is not asked a second time by its address');
  for (let i = 0; i < 3; i += 1) {
    await round(1000, seed, other);
    t.equal(textOf(await next()), undefined);
  }
  refuse(other);
  refuse(seed);
  await round(1000, seed, other);
  const failed = await until(({ kind }) => kind === 'failed');
  t.match(textOf(failed), /^localhost:\d+: the reply is no gossip[^;]*$/, 'what was not configured is not named');
});

t.test('peers in TLS are not believed by their address alone', async (t) => {
  const seed = await startPeer(t);
  const tls = { ca: null, certificate: null, privateKey: null, serverName: null, insecureSkipVerify: false };
  const report = await watch(t, { ...optionsFor(seed.address), tls }).next();
  t.match(report, { kind: 'failed' });
});

interface FakeDns extends SeedDns {
  readonly asked: readonly string[];
  /** What each question is answered, by kind and name. */
  answers: Readonly<Record<string, { readonly records: readonly unknown[]; readonly ttlMs: number } | Error>>;
  readonly isClosed: boolean;
}

function fakeDns(answers: FakeDns['answers']): FakeDns {
  const asked: string[] = [];
  let isClosed = false;
  const answer = async <T>(question: string): Promise<{ records: readonly T[]; ttlMs: number }> => {
    asked.push(question);
    const found = dns.answers[question] ?? new DnsError(`${question} has no records`, { code: 'DNS_NO_RECORDS' });
    if (found instanceof Error) throw found;
    return { records: found.records as readonly T[], ttlMs: found.ttlMs };
  };
  const dns: FakeDns = {
    asked,
    answers,
    addresses: (name, kind) => answer(`${kind} ${name}`),
    targets: (name) => answer(`targets ${name}`),
    services: (name) => answer(`services ${name}`),
    close: () => {
      isClosed = true;
    },
    get isClosed() {
      return isClosed;
    },
  };
  return dns;
}

t.test('dns+: all addresses of a name, asked for again when their TTL is over; a failure keeps them', async (t) => {
  const one = await startPeer(t, without(ID));
  const dns = fakeDns({ 'A tempo': { records: ['127.0.0.1'], ttlMs: 5000 } });
  const { clock, next, round, until } = watch(t, optionsFor(`dns+tempo:${one.port}`), dns);
  t.equal(isKnown(await next()), false);
  t.strictSame(dns.asked, ['A tempo', 'AAAA tempo'], 'of two families one is enough');
  const two = await startMemberlistPeer(t, { host: '127.0.0.2', port: one.port });
  tell(two, RING);
  dns.answers = { 'A tempo': { records: ['127.0.0.1', '127.0.0.2'], ttlMs: 0 } };
  for (let i = 0; i < 5; i += 1) await round(1000, one);
  t.equal(dns.asked.length, 2, 'with up to a tenth of jitter');
  await clock.advance(250);
  await until(isKnown);
  t.equal(dns.asked.length, 4);
  await clock.advance(1049);
  t.equal(dns.asked.length, 4, 'a TTL of nothing is a second');
  dns.answers = { 'A tempo': new DnsError('cannot look up A of tempo: 10.0.0.10:53 gave no answer in 2000 ms', { code: 'DNS_FAILED' }) };
  await clock.advance(1);
  t.equal(dns.asked.length, 6);
  const warned = await until((report) => textOf(report) !== undefined);
  t.equal(textOf(warned), `dns+tempo:${one.port}: cannot look up A of tempo: 10.0.0.10:53 gave no answer in 2000 ms`);
  await round(1000, one, two);
  t.match(await next(), { kind: 'members' }, 'both are still asked');
  dns.answers = { 'AAAA tempo': { records: ['::1'], ttlMs: 60_000 } };
  const before = two.requests.length;
  await clock.advance(2100);
  await until((report) => textOf(report)?.includes('[::1]') ?? false);
  await clock.advance(3000);
  for (let i = 0; i < 10; i += 1) await settle();
  t.ok(two.requests.length <= before + 3, 'an address that is gone is not asked any more', { before, after: two.requests.length });
});

t.test('a name that is not there is a failure that names the seed, and is looked up until it is', async (t) => {
  const peer = await startPeer(t);
  const dns = fakeDns({ 'A tempo': new DnsError('there is no name tempo in DNS', { code: 'DNS_NO_SUCH_NAME' }) });
  const { clock, next, until } = watch(t, optionsFor(`dns+tempo:${peer.port}`), dns);
  t.match(await next(), {
    kind: 'failed',
    error: { code: 'DNS_NO_SUCH_NAME', message: `dns+tempo:${peer.port}: there is no name tempo in DNS` },
  });
  await clock.advance(2200);
  t.match(await next(), { kind: 'failed' });
  dns.answers = { 'A tempo': { records: ['127.0.0.1'], ttlMs: 5000 } };
  await clock.advance(2200);
  t.match(await until(({ kind }) => kind === 'members'), { members: { length: 4 } });
});

t.test('dnssrv+ and dnssrvnoa+: ports of the records or one of the seed, targets by address or by name', async (t) => {
  const peer = await startPeer(t);
  const record = { target: 'localhost', port: peer.port, priority: 0, weight: 0, addresses: ['127.0.0.1'] };
  const dns = fakeDns({
    'services _gossip._tcp.tempo': { records: [record], ttlMs: 5000 },
    'targets tempo': { records: [{ ...record, addresses: [] }], ttlMs: 5000 },
    'services other': { records: [{ ...record, port: 1 }], ttlMs: 5000 },
    'services nowhere': { records: [{ ...record, addresses: [] }], ttlMs: 5000 },
  });
  const members = { kind: 'members', members: { length: 4 } };
  t.match(await watch(t, optionsFor('dnssrv+_gossip._tcp.tempo'), dns).next(), members);
  t.match(await watch(t, optionsFor('dnssrvnoa+tempo'), dns).next(), members);
  t.match(await watch(t, optionsFor(`dnssrv+other:${peer.port}`), dns).next(), members);
  t.match(await watch(t, optionsFor(`dns+127.0.0.1:${peer.port}`), dns).next(), members, 'an address needs no DNS');
  t.equal(textOf(await watch(t, optionsFor('dnssrv+nowhere'), dns).next()), 'dnssrv+nowhere: the targets of nowhere have no addresses');
  t.strictSame(dns.asked, ['services _gossip._tcp.tempo', 'targets tempo', 'services other', 'services nowhere']);
});

t.test('a stream that is given up lets go of DNS, connections and timers', async (t) => {
  const peer = await startPeer(t);
  peer.answer = () => {};
  const dns = fakeDns({ 'A tempo': { records: ['127.0.0.1'], ttlMs: 5000 } });
  const clock = new FakeClock();
  const abort = new AbortController();
  const reports = createGossipSource(optionsFor(`dns+tempo:${peer.port}`), sourceDeps(clock), () => dns)
    .watch(abort.signal)
    [Symbol.asyncIterator]();
  const pending = reports.next();
  while (peer.requests.length === 0) await settle();
  t.equal(clock.pending, 2);
  abort.abort();
  t.match(await pending, { done: true });
  t.equal(dns.isClosed, true);
  t.equal(clock.pending, 0);
  while (peer.open > 0) await settle();
});
