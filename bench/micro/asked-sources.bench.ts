// CPU milliseconds of one read of the sources that are asked again and again, connection and decoding and all:
// node bench/micro/asked-sources.bench.ts [--write]. The peer is another process, so that only ours is counted.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { decodeInstanceRing, decodePartitionRing, joinRings } from '../../src/membership/dskit/index.ts';
import { readKey } from '../../src/membership/sources/consul/read.ts';
import { readName } from '../../src/membership/sources/dns/read.ts';
import { readPeer } from '../../src/membership/sources/tempo/read.ts';
import { createDnsClient } from '../../src/transport/dns/index.ts';
import { addressRecords, serviceRecords, startDnsServer } from '../../test/support/dns-server.ts';
import { liveStoreRings } from './live-store-rings.ts';

const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };
const { signal } = new AbortController();
const request = { timeoutMs: 10_000, clock: systemClock, signal, access: { tls: null, headers: new Map(), hide: (text: string) => text } };

/** What one read is; resolves with the number of members. */
type Read = () => Promise<number>;

const READS: Readonly<Record<string, (origin: string) => Read>> = {
  tempo: (url) => async () => {
    const { instances, partitions } = await readPeer(url, { ...request, keys: KEYS });
    return joinRings(instances, partitions).members.length;
  },
  consul: (url) => async () => {
    const read = (key: string) => readKey(key, 0, { ...request, url, waitMs: 10_000, datacenter: '' });
    const [instances, partitions] = await Promise.all([read(KEYS.instances), read(KEYS.partitions)]);
    return joinRings(decodeInstanceRing(instances.value as Buffer), decodePartitionRing(partitions.value as Buffer)).members.length;
  },
  'dns A': (server) => readDns(server, 'A', 9096),
  'dns SRV': (server) => readDns(server, 'SRV', null),
};

function readDns(server: string, records: 'A' | 'SRV', port: number | null): Read {
  const client = createDnsClient({ servers: [server], timeoutMs: 10_000, clock: systemClock, random: systemRandom });
  return async () => (await readName({ dnsName: 'stores.test', records, port, zone: '' }, client, signal)).members.length;
}

async function serve(kind: string, members: number): Promise<string> {
  if (kind.startsWith('dns')) return serveDns(members);
  const { instances, partitions } = liveStoreRings(members);
  const server = createServer((asked, response) => {
    const value = asked.url?.includes('partitions') ? partitions : instances;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-consul-index': '7' }).end(value);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers with the addresses of SRV targets along, as a headless Service's name server does. */
async function serveDns(members: number): Promise<string> {
  const untilExit = { teardown: () => {} } as unknown as Test;
  const addresses = Array.from({ length: members }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const names = addresses.map((_, i) => `live-store-zone-a-${i}.stores.test`);
  const answers = {
    A: addressRecords('stores.test', 5, ...addresses),
    SRV: serviceRecords('stores.test', 5, ...names.map((name) => `${name} 9096`)),
  };
  const additionals = names.flatMap((name, i) => addressRecords(name, 5, addresses[i] as string));
  const server = await startDnsServer(untilExit, ({ type }) =>
    type === 'SRV' ? { answers: answers.SRV, additionals } : { answers: answers.A },
  );
  return server.address;
}

async function measure(kind: string, members: number): Promise<object> {
  const peer: ChildProcess = spawn(process.execPath, [import.meta.filename, '--serve', kind, `${members}`], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const [origin] = (await once(peer, 'message')) as [string];
  const read = (READS[kind] as (typeof READS)[string])(origin);
  const rounds = members > 100 ? 100 : 1000;
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) if ((await read()) !== members) throw new Error(`${kind} lost members`);
  };
  await round(Math.ceil(rounds / 5));
  const before = process.cpuUsage();
  await round(rounds);
  const { user, system } = process.cpuUsage(before);
  peer.disconnect();
  return { source: kind, members, cpuMs: Number(((user + system) / 1000 / rounds).toFixed(3)) };
}

const [mode, kind = '', members] = process.argv.slice(2);
if (mode === '--serve') {
  process.send?.(await serve(kind, Number(members)));
  process.on('disconnect', () => process.exit());
} else {
  const results: object[] = [];
  for (const source of Object.keys(READS))
    for (const count of [4, source === 'dns SRV' ? 500 : 1000]) results.push(await measure(source, count));
  console.table(results);
  const report = { node: process.version, cpu: cpus()[0]?.model, unit: 'CPU ms per read, decoded and joined', results };
  if (process.argv.includes('--write'))
    writeFileSync(join(import.meta.dirname, '../results/micro-asked-sources.json'), `${JSON.stringify(report, null, 2)}\n`);
}
