import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import {
  decodeInstanceRing,
  decodePartitionRing,
  type Instance,
  type InstanceRing,
  joinRings,
  type PartitionRing,
} from '../../../src/membership/dskit/index.ts';
import { createGossipSource, type GossipSourceOptions } from '../../../src/membership/sources/gossip/index.ts';
import type { SourceReport } from '../../../src/membership/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { compressMessage, encodePairs, encodePushPull } from '../../support/memberlist-messages.ts';
import { type MemberlistPeer, ringPairs, startMemberlistPeer } from '../../support/memberlist-peer.ts';
import { MOMENTS, recordedPull, recordedRing } from '../../support/recorded-rings.ts';
import { sourceDeps } from '../../support/source-deps.ts';
import { sourceSuite } from '../source-suite.ts';

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

/** A store as dskit keeps it: whoever goes leaves a tombstone. */
function store(): {
  say(
    members: readonly Pick<Instance, 'id' | 'address' | 'zone'>[],
    ofPartition: ReadonlyMap<string, number>,
    nowMs: number,
  ): readonly [InstanceRing, PartitionRing];
} {
  const instances = new Map<string, Instance>();
  const owners = new Map<string, PartitionRing['owners'] extends ReadonlyMap<string, infer O> ? O : never>();
  return {
    say(members, ofPartition, nowMs) {
      const heartbeatMs = Math.floor(nowMs / 1000) * 1000;
      const ids = new Set(members.map(({ id }) => id));
      for (const [id, instance] of instances) if (!ids.has(id)) instances.set(id, { ...instance, state: 'LEFT', heartbeatMs });
      for (const [id, owner] of owners) if (!ids.has(id)) owners.set(id, { ...owner, state: 'DELETED', updatedMs: heartbeatMs });
      for (const { id, address, zone } of members) {
        instances.set(id, { id, address, zone, state: 'ACTIVE', heartbeatMs, registeredMs: null });
        owners.set(id, { id, partition: ofPartition.get(id) ?? 0, state: 'ACTIVE', updatedMs: heartbeatMs });
      }
      const partitions = new Set(ofPartition.values());
      return [
        new Map(instances),
        { partitions: new Map([...partitions].map((id) => [id, { id, state: 'ACTIVE', stateMs: 0 }])), owners: new Map(owners) },
      ];
    },
  };
}

t.test('a gossip source keeps the promises of every source', (t) =>
  sourceSuite(t, async (t) => {
    const clock = new FakeClock();
    const peer = await startMemberlistPeer(t);
    const origin = store();
    return {
      source: createGossipSource(optionsFor(peer.address), sourceDeps(clock)),
      clock,
      say: (members) => {
        const ofPartition = new Map(members.flatMap(({ id, partition }) => (partition === null ? [] : [[id, partition] as const])));
        peer.pairs = ringPairs(...origin.say(members, ofPartition, clock.nowMs()));
        peer.answer = null;
      },
      spoil: () => {
        peer.answer = (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      },
      look: () => clock.advance(1000),
    };
  }),
);

/** The first report of a source that asks these seeds. */
async function firstReport(options: GossipSourceOptions, clock = new FakeClock(77)): Promise<SourceReport> {
  const abort = new AbortController();
  try {
    for await (const report of createGossipSource(options, sourceDeps(clock)).watch(abort.signal)) return report;
  } finally {
    abort.abort();
  }
  throw new Error('the stream ended');
}

/** As firstReport, of one peer; a failure as its text without the port. */
async function reportOn(peer: Pick<MemberlistPeer, 'address'>, options: Partial<GossipSourceOptions> = {}): Promise<SourceReport | string> {
  const report = await firstReport({ ...optionsFor(peer.address), ...options });
  return report.kind === 'failed' ? report.error.message.replaceAll(peer.address, 'tempo:7946') : report;
}

const answering = async (t: Test, reply: Uint8Array): Promise<MemberlistPeer> => {
  const peer = await startMemberlistPeer(t);
  peer.answer = (socket) => void socket.end(reply);
  return peer;
};

for (const moment of MOMENTS)
  t.test(`${moment}: the recorded reply gives the ring that the recorded pages give`, async (t) => {
    const { instanceBytes, partitionBytes } = recordedRing(moment);
    const joined = joinRings(decodeInstanceRing(instanceBytes), decodePartitionRing(partitionBytes));
    const withoutHeartbeats = ({ members, partitions }: typeof joined) => ({
      members: members.map(({ id, address, zone, partition, state, registeredMs }) => ({
        id,
        address,
        zone,
        partition,
        state,
        registeredMs,
      })),
      partitions,
    });
    const report = await reportOn(await answering(t, recordedPull(moment)));
    if (typeof report === 'string' || report.kind === 'failed') return void t.fail(`${report}`);
    t.strictSame(withoutHeartbeats(report), withoutHeartbeats(joined), 'they were recorded a moment apart');
    for (const [i, { heartbeatMs }] of report.members.entries()) {
      const differenceMs = Math.abs((heartbeatMs ?? 0) - (joined.members[i]?.heartbeatMs ?? 0));
      t.ok(differenceMs <= 5000, 'one heartbeat at most', { differenceMs });
    }
    t.equal(report.asOfMs, 77);
    t.equal(report.warning, undefined);
  });

t.test('the request is the 30 octets of an observer, the connection is closed behind it', async (t) => {
  const peer = await answering(t, recordedPull('running'));
  t.match(await reportOn(peer), { kind: 'members' });
  t.strictSame(peer.requests, ['020683a44a6f696ec2a54e6f64657300ac5573657253746174654c656e00']);
  while (peer.open > 0) await new Promise(setImmediate);
});

t.test('LZW, snappy, a label: what other gossip is set to', async (t) => {
  const plain = await reportOn(await answering(t, recordedPull('running')));
  for (const compression of ['lzw', 'snappy'] as const)
    t.strictSame(await reportOn(await answering(t, compressMessage(recordedPull('running'), compression))), plain, compression);
  const labelled = await startMemberlistPeer(t, { clusterLabel: 'tempo.prod' });
  labelled.answer = (socket) => void socket.end(recordedPull('running'));
  t.strictSame(await reportOn(labelled, { clusterLabel: 'tempo.prod' }), plain, 'label');
  t.equal(await reportOn(labelled), 'tempo:7946: closed the connection without an answer: is clusterLabel right? (none is set)');
  t.equal(
    await reportOn(labelled, { clusterLabel: 'tempo.dev' }),
    'tempo:7946: closed the connection without an answer: is clusterLabel right? ("tempo.dev")',
  );
});

t.test('the reply may come in any pieces', async (t) => {
  const plain = await reportOn(await answering(t, recordedPull('running')));
  const peer = await startMemberlistPeer(t);
  peer.answer = (socket) => {
    const reply = compressMessage(recordedPull('running'), 'lzw');
    const next = (at: number): void => {
      if (at >= reply.length) socket.end();
      else socket.write(reply.subarray(at, at + 1 + (at % 97)), () => setImmediate(next, at + 1 + (at % 97)));
    };
    next(0);
  };
  t.strictSame(await reportOn(peer), plain);
});

t.test('TLS: with the authority, without, and where the peer has none or wants it', async (t) => {
  const file = (name: string): string => new URL(`../../golden/tls/${name}`, import.meta.url).pathname;
  const tls = { cert: readFileSync(file('localhost.crt'), 'utf8'), key: readFileSync(file('localhost.key'), 'utf8') };
  const peer = await startMemberlistPeer(t, { tls });
  peer.answer = (socket) => void socket.end(recordedPull('running'));
  const trust = { ca: file('localhost.crt'), certificate: null, privateKey: null, serverName: 'localhost', insecureSkipVerify: false };
  t.match(await reportOn(peer, { tls: trust }), { kind: 'members', members: { length: 4 } });
  t.match(
    await reportOn(peer, { tls: { ...trust, serverName: 'other' } }),
    /^tempo:7946: Hostname\/IP does not match certificate's altnames/,
  );
  t.match(await reportOn(peer, { tls: { ...trust, ca: null } }), /^tempo:7946: self-signed certificate/);
  t.match(await reportOn(peer, { tls: { ...trust, ca: '/no/such/file' } }), 'cannot read /no/such/file: ENOENT');
  const wanted = await reportOn(peer);
  t.ok(wanted === 'tempo:7946: the reply is an alert of TLS: the peer wants TLS' || /clusterLabel/.test(`${wanted}`), `${wanted}`);
  t.match(
    await reportOn(await answering(t, recordedPull('running')), { tls: trust }),
    'tempo:7946: closed the connection before TLS was agreed: does it speak TLS?',
  );
});

t.test('what is no ring is one line that names the peer and what came instead', async (t) => {
  const { instanceBytes, partitionBytes } = recordedRing('running');
  const instances = { key: 'collectors/live-store', value: instanceBytes, codec: 'ringDesc' };
  const partitions = { key: 'collectors/livestore-partitions', value: partitionBytes, codec: 'partitionRingDesc' };
  const other = { key: 'collectors/distributor', value: Uint8Array.of(9), codec: 'ringDesc' };
  const replied = (...pairs: Parameters<typeof encodePairs>[0]): Uint8Array => encodePushPull([], encodePairs(pairs));
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['HTML', Buffer.from('<html><body>Sign in</body></html>'), 'the reply is no gossip but begins with "<html><body>Sign in</bod"'],
    ['half of it', recordedPull('running').subarray(0, 3000), 'the reply is cut off: '],
    ['an empty store', replied(), 'has no key "collectors/live-store" in its store (it is empty, as in a process that has just started)'],
    ['other keys', replied(other), 'has no key "collectors/live-store" in its store (there are "collectors/distributor")'],
    [
      'no partitions',
      replied(instances, other),
      'has no key "collectors/livestore-partitions" in its store (there are "collectors/live-store", "collectors/distributor")',
    ],
    ['a deleted key', replied({ ...instances, deleted: true }, partitions), 'has no key "collectors/live-store" in its store ('],
    [
      'another codec',
      replied({ ...instances, codec: 'usagestats.jsonCodec' }, partitions),
      'has a value of codec "usagestats.jsonCodec" under "collectors/live-store" where ringDesc should be',
    ],
    [
      'the rings exchanged',
      replied({ ...instances, value: partitionBytes }, partitions),
      '"collectors/live-store": the bytes are not an instance ring: they have fields that no such ring has',
    ],
    [
      'a bad ring',
      replied({ ...instances, value: Uint8Array.of(5, 0) }, partitions),
      '"collectors/live-store": the snappy block ends within a literal',
    ],
  ];
  for (const [name, reply, message] of cases) {
    const report = await reportOn(await answering(t, reply));
    t.ok(typeof report === 'string' && report.startsWith(`tempo:7946: ${message}`) && !report.includes('\n'), name, {
      found: report,
      wanted: message,
    });
  }
  const empty = [
    { ...instances, value: new Uint8Array() },
    { ...partitions, value: new Uint8Array() },
  ];
  t.match(
    await reportOn(await answering(t, replied(...empty))),
    { kind: 'members', members: [], partitions: [] },
    'no octets are an empty ring',
  );
  const alone = await answering(t, replied({ ...instances, key: 'generators/ring' }));
  t.match(await reportOn(alone, { keys: { instances: 'generators/ring', partitions: null } }), {
    kind: 'members',
    members: { length: 4 },
    partitions: [],
  });
});

t.test('a reply that has no end, breaks off, or never comes; a peer that is not there', async (t) => {
  const endless = await startMemberlistPeer(t);
  endless.answer = (socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(1 << 20, 6)));
    };
    socket.on('drain', more);
    more();
  };
  t.equal(await reportOn(endless), 'tempo:7946: sent more than the 22020096 bytes that are allowed');

  const broken = await startMemberlistPeer(t);
  broken.answer = (socket) => void socket.write(recordedPull('running').subarray(0, 100), () => socket.resetAndDestroy());
  t.equal(await reportOn(broken), 'tempo:7946: broke off its answer: read ECONNRESET');

  const clock = new FakeClock();
  const asked = Promise.withResolvers<Socket>();
  const hanging = await startMemberlistPeer(t);
  hanging.answer = asked.resolve;
  const report = firstReport(optionsFor(hanging.address), clock);
  await asked.promise;
  await clock.advance(2000);
  t.match(await report, { kind: 'failed', error: { code: 'PEER_TIMEOUT', message: `${hanging.address}: did not answer within 2000ms` } });

  await broken.close();
  t.equal(await reportOn(broken), 'tempo:7946: connect ECONNREFUSED tempo:7946');
  t.match(await firstReport(optionsFor('tempo.invalid:7946')), {
    kind: 'failed',
    error: { code: 'PEER_UNREACHABLE', message: /^tempo\.invalid:7946: / },
  });
});

t.test('a server of another kind, one that resets at once', async (t) => {
  const listen = async (onConnection: (socket: Socket) => void): Promise<string> => {
    const server = createServer(onConnection);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const resetting = await listen((socket) => socket.resetAndDestroy());
  t.match(await reportOn({ address: resetting }), /^tempo:7946: (closed the connection without an answer|(connect|read|write) ECONNRESET)/);
  const http2 = await listen((socket) => void socket.end(Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0)));
  t.match(await reportOn({ address: http2 }), /^tempo:7946: the reply is no gossip but begins with "\."$/);
});
