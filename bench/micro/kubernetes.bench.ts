// CPU of a list of EndpointSlices and of one event, to the report: node bench/micro/kubernetes.bench.ts [--write]. 100 pods a slice, as
// Kubernetes makes them. The API server is another process, so that only the source is counted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../src/core/index.ts';
import { createKubernetesSource } from '../../src/membership/sources/kubernetes/index.ts';
import { startKubernetesApi } from '../../test/support/kubernetes-api.ts';
import { kubernetesOptions } from '../../test/support/kubernetes-options.ts';
import { pod, slice } from '../../test/support/kubernetes-slices.ts';
import { sourceDeps } from '../../test/support/source-deps.ts';

const EVENTS = 200;
const PER_SLICE = 100;

/** The API server: each message makes it change the zone of one slice. */
async function serve(members: number): Promise<void> {
  const api = await startKubernetesApi({ teardown: () => {} });
  const slices = Math.ceil(members / PER_SLICE);
  const put = (number: number, zone: string): void => {
    const first = number * PER_SLICE;
    const names = Array.from({ length: Math.min(PER_SLICE, members - first) }, (_, i) => first + i);
    api.put(
      slice(
        `live-store-${number}`,
        names.map((i) => pod(`live-store-zone-a-${i}`, `10.0.${i >> 8}.${i & 255}`, { zone })),
      ),
    );
  };
  for (let number = 0; number < slices; number += 1) put(number, 'zone-0');
  let count = 0;
  process.on('message', () => {
    count += 1;
    put(count % slices, `zone-${count}`);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(api.url);
}

async function measure(members: number): Promise<object> {
  const peer = spawn(process.execPath, [import.meta.filename, '--serve', `${members}`], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const [url] = (await once(peer, 'message')) as [string];
  const abort = new AbortController();
  const reports = createKubernetesSource(kubernetesOptions(url), sourceDeps(systemClock)).watch(abort.signal)[Symbol.asyncIterator]();
  const next = async (): Promise<void> => {
    const { value } = await reports.next();
    if (value?.kind !== 'members' || value.members.length !== members) throw new Error('lost members');
  };
  const cpuMs = async (count: number, one: () => Promise<void>): Promise<number> => {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i += 1) await one();
    const { user, system } = process.cpuUsage(before);
    return Number(((user + system) / 1000 / count).toFixed(2));
  };
  const list = await cpuMs(1, next);
  await sleep(systemClock, 500); // the watch begins
  const change = async (): Promise<void> => {
    peer.send('change');
    await next();
  };
  await cpuMs(EVENTS / 4, change);
  const event = await cpuMs(EVENTS, change);
  abort.abort();
  await reports.next();
  peer.disconnect();
  await once(peer, 'exit');
  return { members, listCpuMs: list, eventCpuMs: event };
}

const [mode, members] = process.argv.slice(2);
if (mode === '--serve') await serve(Number(members));
else {
  await measure(100); // warms up
  const results: object[] = [];
  for (const count of [4, 1000, 10_000]) results.push(await measure(count));
  console.table(results);
  const report = { node: process.version, cpu: cpus()[0]?.model, unit: 'CPU ms, decoded and joined', results };
  if (process.argv.includes('--write'))
    writeFileSync(join(import.meta.dirname, '../results/micro-kubernetes.json'), `${JSON.stringify(report, null, 2)}\n`);
}
