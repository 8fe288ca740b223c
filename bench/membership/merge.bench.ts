// What a large ring costs control, in CPU time of the process: npm run bench:membership [-- --write]
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createSnapshotSource, StageDriver } from '../../src/control/index.ts';
import { systemClock } from '../../src/core/index.ts';
import { MembershipHub } from '../../src/membership/index.ts';
import type { Catalog, Member } from '../../src/membership/types.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { largeRing, PushSource, partitionsOf, ringInput } from './large-ring.ts';

const ROUNDS = 15;
/** Processes that load a ring as the first thing they do. */
const FRESH = 9;
/** The claims: milliseconds of CPU, medians. */
const LIMITS: Readonly<Record<string, number>> = {
  'load 10,000 × 3 sources, the first time in a process: its main thread': 200,
  'load 10,000 × 3 sources': 200,
  'heartbeat of 1,000': 3,
};

/** What is measured: hub, stage and one client's snapshot, as control has them. */
interface Control {
  readonly hub: MembershipHub;
  readonly sources: readonly PushSource[];
  stop(): Promise<void>;
}

async function startControl(names: readonly string[], client: boolean): Promise<Control> {
  const sources = names.map((name) => new PushSource(name));
  const metrics = new MetricRegistry();
  const deps = { clock: systemClock, logger: silentLogger, metrics };
  const hub = new MembershipHub([ringInput(sources)], deps);
  const driver = new StageDriver({ catalog: hub.catalog, ...deps });
  await driver.start();
  await hub.start();
  const snapshots = createSnapshotSource({ catalog: hub.catalog, stage: driver.stage, logger: silentLogger, metrics });
  const feed = snapshots.open({ id: 'querier', cluster: 'live-store/egress', zone: 'zone-a', ringway: {} } as Parameters<
    typeof snapshots.open
  >[0]);
  const unsubscribe = client && 'snapshot' in feed ? feed.snapshot.subscribe(() => {}) : () => {};
  await new Promise((resolve) => setImmediate(resolve));
  return {
    hub,
    sources,
    async stop() {
      unsubscribe();
      await hub.stop();
      await driver.stop();
    },
  };
}

/** CPU milliseconds: of the whole process, in which V8 compiles and collects garbage beside, and of the thread that everybody waits for. */
interface Cost {
  readonly process: number;
  readonly thread: number;
}

const msOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/** From `act` to the first catalog that `isDone` likes. */
async function costOf({ hub }: Control, act: () => void, isDone: (catalog: Catalog) => boolean): Promise<Cost> {
  const before = { process: process.cpuUsage(), thread: process.threadCpuUsage() };
  const done = new Promise<void>((resolve) => {
    const unsubscribe = hub.catalog.subscribe((catalog) => {
      if (!isDone(catalog)) return;
      unsubscribe();
      resolve();
    });
  });
  act();
  await done;
  return { process: msOf(process.cpuUsage(before.process)), thread: msOf(process.threadCpuUsage(before.thread)) };
}

const ring = (catalog: Catalog) => catalog.rings.get('live-store');
const isRead = (catalog: Catalog): boolean => ring(catalog)?.sources.every(({ ok }) => ok) ?? false;

/** Three sources say the same 10,000 members, one after the other; done when all are merged and published. */
async function load(count: number): Promise<Cost> {
  const control = await startControl(['tempo', 'gossip', 'nats'], false);
  const nowMs = Date.now();
  const said = control.sources.map((_, i) => largeRing(count, nowMs - 1000 * i));
  const partitions = partitionsOf(said[0] ?? []);
  const cost = await costOf(
    control,
    () => {
      for (const [i, source] of control.sources.entries()) source.say(said[i] ?? [], i < 2 ? partitions : [], nowMs);
    },
    isRead,
  );
  await control.stop();
  return cost;
}

/** The same members with newer heartbeats, or with one that has moved; the median of many. */
async function beats(count: number, changes: boolean, client: boolean): Promise<number[]> {
  const control = await startControl(['tempo'], client);
  const [source] = control.sources;
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS * 4; round += 1) {
    const nowMs = Date.now();
    const members: Member[] = [...largeRing(count, nowMs)];
    const [first] = members;
    if (changes && first) members[0] = { ...first, state: round % 2 === 0 ? 'ACTIVE' : 'JOINING' };
    const partitions = partitionsOf(members);
    const say = (): void => source?.say(members, partitions, nowMs);
    const cost = await costOf(control, say, (catalog) => ring(catalog)?.members[0]?.heartbeatMs === nowMs || round > 0);
    if (round >= ROUNDS) costs.push(cost.process);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await control.stop();
  return costs;
}

function spread(costs: readonly number[]): { readonly min: number; readonly median: number; readonly max: number } {
  const sorted = costs.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round((sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN) * 100) / 100;
  return { min: at(0), median: at(0.5), max: at(1) };
}

if (process.argv.includes('--first')) {
  console.log(JSON.stringify(await load(10_000)));
  process.exit(0);
}

const fresh = Array.from(
  { length: FRESH },
  (): Cost => JSON.parse(execFileSync(process.execPath, [import.meta.filename, '--first'], { encoding: 'utf8' })),
);
const results: Record<string, ReturnType<typeof spread>> = {
  'load 10,000 × 3 sources, the first time in a process': spread(fresh.map((cost) => cost.process)),
  'load 10,000 × 3 sources, the first time in a process: its main thread': spread(fresh.map((cost) => cost.thread)),
};
const loads: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) loads.push((await load(10_000)).process);
results['load 10,000 × 3 sources'] = spread(loads);
results['heartbeat of 1,000'] = spread(await beats(1_000, false, true));
results['heartbeat of 10,000'] = spread(await beats(10_000, false, true));
results['one of 1,000 changes, with its snapshot'] = spread(await beats(1_000, true, true));
results['one of 10,000 changes, without clients'] = spread(await beats(10_000, true, false));

console.table(results);
const report = { node: process.version, cpu: cpus()[0]?.model, unit: 'CPU ms', rounds: ROUNDS, limits: LIMITS, results };
if (process.argv.includes('--write'))
  writeFileSync(join(import.meta.dirname, '../results/membership-merge.json'), `${JSON.stringify(report, null, 2)}\n`);
const missed = Object.entries(LIMITS).filter(([name, limitMs]) => !((results[name]?.median ?? Number.NaN) <= limitMs));
for (const [name, limitMs] of missed) console.error(`${name}: ${results[name]?.median} ms are more than ${limitMs} ms`);
process.exit(missed.length === 0 ? 0 : 1);
