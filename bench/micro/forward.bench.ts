// CPU per request of a pass-through proxy on our engine and on node:http2, in turn: node bench/micro/forward.bench.ts [rounds] [--write]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { type Load, run, startBackend } from './forward-load.ts';
import { startNodeProxy } from './forward-node.ts';
import { startOwnProxy } from './forward-own.ts';

const LOADS: readonly Load[] = [
  { name: 'unary 4x10', connections: 4, streams: 10, requestBytes: 100, responseBytes: 200, requests: 40_000 },
  { name: 'unary 50x1', connections: 50, streams: 1, requestBytes: 100, responseBytes: 200, requests: 30_000 },
  { name: '64 KiB answers 4x4', connections: 4, streams: 4, requestBytes: 1024, responseBytes: 65_536, requests: 6000 },
  { name: '1 MiB answers 2x2', connections: 2, streams: 2, requestBytes: 100, responseBytes: 1_048_576, requests: 500 },
  { name: '4 KiB uploads 4x10', connections: 4, streams: 10, requestBytes: 4096, responseBytes: 200, requests: 20_000 },
];
const PROXIES = ['own', 'node'] as const;
type ProxyName = (typeof PROXIES)[number];

if (process.argv[2] === 'proxy') await beProxy(process.argv[3] as ProxyName, Number(process.argv[4]));
else await measure(Number(process.argv[2] ?? 5) || 5);

async function beProxy(name: ProxyName, upstreamPort: number): Promise<void> {
  const port = await (name === 'own' ? startOwnProxy(upstreamPort) : startNodeProxy(upstreamPort));
  process.on('message', () => process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port });
}

interface Sample {
  readonly cpuUs: number;
  readonly rss: number;
}

async function sample(child: ChildProcess): Promise<Sample> {
  child.send('sample');
  const [{ cpu, rss }] = (await once(child, 'message')) as [{ cpu: NodeJS.CpuUsage; rss: number }];
  return { cpuUs: cpu.user + cpu.system, rss };
}

async function measure(rounds: number): Promise<void> {
  let responseBytes = 0;
  const backendPort = await startBackend(() => responseBytes);
  const children = PROXIES.map((name) => fork(import.meta.filename, ['proxy', name, String(backendPort)]));
  const ports = await Promise.all(children.map(async (child) => ((await once(child, 'message')) as [{ port: number }])[0].port));
  const results: object[] = [];
  for (const load of LOADS) {
    responseBytes = load.responseBytes;
    const costs: Record<ProxyName, number[]> = { own: [], node: [] };
    // The first round warms up and is dropped.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, name] of PROXIES.entries()) {
        const before = await sample(children[index]!);
        await run(ports[index]!, load);
        const after = await sample(children[index]!);
        if (round > 0) costs[name].push((after.cpuUs - before.cpuUs) / load.requests);
      }
    }
    results.push(summary(load, costs));
    console.log(JSON.stringify(results.at(-1)));
  }
  const memory = await Promise.all(children.map(sample));
  for (const child of children) child.disconnect();
  const report = {
    node: process.version,
    cpu: cpus()[0]?.model,
    arch: arch(),
    rounds,
    unit: 'CPU µs per request',
    results,
    rssMib: memory.map(({ rss }) => Math.round(rss / 1_048_576)),
  };
  if (process.argv.includes('--write'))
    writeFileSync(join(import.meta.dirname, '../results/micro-forward.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.exit(0);
}

function summary(load: Load, costs: Record<ProxyName, number[]>): object {
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const round = (value: number): number => Math.round(value * 100) / 100;
  const spread = (values: readonly number[]): number[] => [Math.min(...values), median(values), Math.max(...values)].map(round);
  return { load: load.name, own: spread(costs.own), nodeHttp2: spread(costs.node), ratio: round(median(costs.own) / median(costs.node)) };
}
