// CPU milliseconds that one pull of Tempo's gossip takes, connection and decoding and all: node bench/micro/gossip.bench.ts [--write]
// The peer is another process, so that only ours is counted.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { seededRandom, systemClock } from '../../src/core/index.ts';
import { type OwnerDesc, type PartitionDesc, PartitionRingDesc } from '../../src/gen/dskit/partition_ring.ts';
import { Desc, type InstanceDesc } from '../../src/gen/dskit/ring.ts';
import { encodeSnappyBlock } from '../../src/membership/dskit/index.ts';
import { Knowledge } from '../../src/membership/sources/gossip/knowledge.ts';
import { readPeer } from '../../src/membership/sources/gossip/read.ts';
import { ReplyRoom } from '../../src/membership/sources/gossip/reply-room.ts';
import { compressMessage, encodePairs, encodePushPull } from '../../test/support/memberlist-messages.ts';

const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };
const TOKENS = 512;

/** What a peer says of so many live-stores in two zones, each partition with two owners and 512 tokens, as Tempo has it. */
function replyOf(members: number): Uint8Array {
  const random = seededRandom(1);
  const ingesters = new Map<string, InstanceDesc>();
  const owners = new Map<string, OwnerDesc>();
  const partitions = new Map<number, PartitionDesc>();
  for (let i = 0; i < members; i += 1) {
    const partition = i >> 1;
    const zone = `zone-${'ab'[i & 1]}`;
    const id = `live-store-${zone}-${partition}`;
    const timestamp = 1_795_260_900n + BigInt(i % 5);
    const rest = { tokens: [], readOnly: false, readOnlyUpdatedTimestamp: 0n, versions: new Map() };
    ingesters.set(id, {
      id,
      addr: `10.${i >> 14}.${(i >> 7) & 127}.${i & 127}:9096`,
      zone,
      state: 0,
      timestamp,
      registeredTimestamp: timestamp,
      ...rest,
    });
    owners.set(id, { ownedPartition: partition, state: 1, updatedTimestamp: timestamp });
    const tokens = Array.from({ length: TOKENS }, () => Math.floor(random() * 2 ** 32)).sort((a, b) => a - b);
    partitions.set(partition, {
      id: partition,
      tokens,
      state: 2,
      stateTimestamp: timestamp,
      stateChangeLocked: false,
      stateChangeLockedTimestamp: 0n,
    });
  }
  const nodes = Array.from({ length: members }, (_, i) => ({ host: `10.0.${i >> 8}.${i & 255}`, port: 7946 }));
  const pairs = [
    { key: KEYS.instances, codec: 'ringDesc', value: encodeSnappyBlock(Desc.encode({ ingesters }).finish()) },
    {
      key: KEYS.partitions,
      codec: 'partitionRingDesc',
      value: encodeSnappyBlock(PartitionRingDesc.encode({ partitions, owners }).finish()),
    },
  ];
  return encodePushPull(nodes, encodePairs(pairs));
}

async function serve(members: number, compression: 'none' | 'lzw' | 'snappy'): Promise<void> {
  const reply = compressMessage(replyOf(members), compression);
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(reply)));
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}

async function measure(members: number, compression: string): Promise<object> {
  const rounds = members > 100 ? 60 : 1000;
  const peer: ChildProcess = spawn(process.execPath, [import.meta.filename, '--serve', `${members}`, compression], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(peer, 'message')) as [number];
  const target = { host: '127.0.0.1', port };
  const options = {
    clusterLabel: '',
    timeoutMs: 10_000,
    tls: null,
    clock: systemClock,
    signal: new AbortController().signal,
    room: new ReplyRoom(),
    keys: KEYS,
  };
  const knowledge = new Knowledge();
  let replyBytes = 0;
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const answer = await readPeer(target, options);
      knowledge.learn(answer.instances, answer.partitions, i);
      knowledge.join();
      replyBytes = answer.replyBytes;
    }
  };
  await round(Math.ceil(rounds / 5));
  const before = process.cpuUsage();
  await round(rounds);
  const { user, system } = process.cpuUsage(before);
  peer.disconnect();
  return { members, compression, replyBytes, cpuMs: Number(((user + system) / 1000 / rounds).toFixed(3)) };
}

const [mode, members, compression] = process.argv.slice(2);
if (mode === '--serve') await serve(Number(members), compression as 'none');
else {
  const results: object[] = [];
  for (const count of [4, 1000]) for (const how of ['none', 'lzw', 'snappy']) results.push(await measure(count, how));
  console.table(results);
  const report = { node: process.version, cpu: cpus()[0]?.model, unit: 'CPU ms per pull, decoded, merged and joined', results };
  if (process.argv.includes('--write'))
    writeFileSync(join(import.meta.dirname, '../results/micro-gossip.json'), `${JSON.stringify(report, null, 2)}\n`);
}
