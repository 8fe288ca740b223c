import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Started } from '../fleet.ts';
import { type Pinned, pin } from '../process.ts';
import type { ProxyKind } from '../proxies/types.ts';
import { type Spread, spreadOf } from '../spread.ts';
import { type Finding, type Lab, pause, plainPort, runLoad, SMALL } from './finding.ts';

const CLUSTERS = 1000;
const SECONDS = 3;
const RATE = 2000;
const PATIENCE_MS = 10_000;

/** What calls notice, and what the event loop says, while all of 1,000 clusters and their endpoints change by xDS. */
export async function measureStall(lab: Lab, loadCore: number, folder: string): Promise<readonly Finding[]> {
  const loop: number[] = [];
  const calls: Record<string, Spread> = {};
  for (const kind of lab.kinds) {
    const latencies = await underChanges(lab, kind, loadCore, join(folder, `${kind.name}-loop-delay.json`), loop);
    calls[kind.name] = spreadOf(latencies);
  }
  const while1000 = `while ${CLUSTERS.toLocaleString('en')} clusters are applied`;
  return [
    { name: `event loop late, p99.9, ${while1000}`, unit: 'ms', values: loop.length > 0 ? { ringway: spreadOf(loop) } : {}, bound: 10 },
    { name: `calls at ${RATE.toLocaleString('en')} a second, p99.9, ${while1000}`, unit: 'ms', values: calls, bound: 'envoy' },
  ];
}

/** p99.9 of calls in ms, one a round; those of a Node's event loop are added to `loop`. */
async function underChanges(lab: Lab, kind: ProxyKind, loadCore: number, file: string, loop: number[]): Promise<readonly number[]> {
  const xds = pin(loadCore, [process.execPath, join(import.meta.dirname, 'xds-clusters.ts')]);
  const xdsPort = Number(await xds.line());
  const isNode = kind.name === 'ringway';
  const monitor = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'loop-delay.mjs')}`, RINGWAY_BENCH_LOOP_DELAY: file };
  const started = await lab.start(kind, { xdsPort, ...(isNode ? { env: monitor } : {}) });
  await runLoad(lab.ends, SMALL, plainPort(started), { seconds: 1 });
  const latencies: number[] = [];
  for (let round = 0; round < lab.rounds; round += 1) {
    xds.say(`${CLUSTERS} ${round}`);
    await xds.line();
    const calls = runLoad(lab.ends, { ...SMALL, rate: RATE }, plainPort(started), { seconds: SECONDS });
    await pause(500);
    if (isNode) await loopDelay(started, file);
    const [{ latencyUs }, appliedMs] = await Promise.all([calls, apply(xds)]);
    if (isNode) loop.push((await loopDelay(started, file)).p999);
    latencies.push(latencyUs['p99.9'] / 1000);
    lab.say(
      `stall: ${kind.name} ${Math.round(appliedMs)} ms to apply, calls p99.9 ${latencies.at(-1)} ms${isNode ? `, loop p99.9 ${loop.at(-1)} ms` : ''}`,
    );
  }
  await Promise.all([started.proxy.stop(), xds.stop()]);
  return latencies;
}

/** Lets the new clusters out; resolves with the time until they were acknowledged, a little after that. */
async function apply(xds: Pinned): Promise<number> {
  const from = performance.now();
  xds.say('go');
  await xds.line();
  const took = performance.now() - from;
  await pause(300); // what is done behind the acknowledgement
  return took;
}

interface LoopDelay {
  readonly p999: number;
  readonly max: number;
}

/** How late the event loop was since this was asked last. */
async function loopDelay({ proxy }: Started, file: string): Promise<LoopDelay> {
  rmSync(file, { force: true });
  process.kill(proxy.pid, 'SIGUSR2');
  for (const from = performance.now(); performance.now() - from < PATIENCE_MS; await pause(2)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
    } catch {}
  }
  throw new Error(`the event loop of pid ${proxy.pid} does not answer`);
}
