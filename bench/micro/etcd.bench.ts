// CPU of following a ring in a real etcd, whose members heartbeat every 5 s as Tempo's do: node bench/micro/etcd.bench.ts [--write].
// Needs etcd on PATH or RINGWAY_ETCD. etcd and the members are other processes, so that only the source is counted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { sleep, systemClock, systemRandom } from '../../src/core/index.ts';
import { createEtcdSource } from '../../src/membership/sources/etcd/index.ts';
import { startEtcd } from '../../test/support/etcd.ts';
import { KEYS, optionsFor } from '../../test/support/etcd-source.ts';
import { sourceDeps } from '../../test/support/source-deps.ts';
import { liveStoreRings } from './live-store-rings.ts';

const HEARTBEAT_MS = 5000;
const WATCH_MS = 15_000;

/** The members: as many puts of the whole ring as they have heartbeats. */
async function beat(members: number): Promise<void> {
  const ends: (() => unknown)[] = [];
  const untilExit = { teardown: (end: () => unknown) => ends.push(end) } as unknown as Test;
  const etcd = await startEtcd(untilExit);
  if (etcd === undefined) throw new Error('no etcd');
  const over = once(process, 'disconnect');
  const { instances, partitions } = liveStoreRings(members);
  await etcd.put(KEYS.partitions, partitions);
  await etcd.put(KEYS.instances, instances);
  process.send?.(etcd.endpoint);
  const startedMs = systemClock.monotonicMs();
  for (let count = 1; process.connected; count += 1) {
    const nextMs = startedMs + (count * HEARTBEAT_MS) / members;
    await Promise.race([over, sleep(systemClock, Math.max(0, nextMs - systemClock.monotonicMs()))]);
    await etcd.put(KEYS.instances, instances);
  }
  for (const end of ends) await end();
  process.exit();
}

async function measure(members: number): Promise<object> {
  const peer = spawn(process.execPath, [import.meta.filename, '--beat', `${members}`], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const [endpoint] = (await once(peer, 'message')) as [string];
  const abort = new AbortController();
  const source = createEtcdSource(optionsFor(endpoint), { ...sourceDeps(systemClock), random: systemRandom });
  let reports = 0;
  const reading = (async () => {
    for await (const report of source.watch(abort.signal)) {
      if (report.kind === 'failed') throw report.error;
      if (report.members.length !== members) throw new Error('lost members');
      reports += 1;
    }
  })();
  await sleep(systemClock, 2000);
  const [before, reportsBefore] = [process.cpuUsage(), reports];
  await sleep(systemClock, WATCH_MS);
  const { user, system } = process.cpuUsage(before);
  const perSecond = (reports - reportsBefore) / (WATCH_MS / 1000);
  abort.abort();
  await reading;
  peer.disconnect();
  await once(peer, 'exit');
  const percent = ((user + system) / 1000 / WATCH_MS) * 100;
  return { members, ringBytes: liveStoreRings(members).instances.length, reportsPerSecond: round(perSecond), cpuPercent: round(percent) };
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

const [mode, members] = process.argv.slice(2);
if (mode === '--beat') await beat(Number(members));
else {
  const results: object[] = [];
  for (const count of [4, 100, 1000]) results.push(await measure(count));
  console.table(results);
  const report = { node: process.version, cpu: cpus()[0]?.model, unit: '% of a core, heartbeats every 5 s', results };
  if (process.argv.includes('--write'))
    writeFileSync(join(import.meta.dirname, '../results/micro-etcd.json'), `${JSON.stringify(report, null, 2)}\n`);
}
