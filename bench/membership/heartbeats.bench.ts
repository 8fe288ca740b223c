// What members that announce themselves over NATS cost control, in CPU time of its process, with a real nats-server:
// node bench/membership/heartbeats.bench.ts [--write]
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { createSnapshotSource, StageDriver } from '../../src/control/index.ts';
import { systemClock, systemRandom } from '../../src/core/index.ts';
import { MembershipHub } from '../../src/membership/index.ts';
import { createNatsSource } from '../../src/membership/sources/nats/index.ts';
import { MetricRegistry, silentLogger } from '../../src/telemetry/index.ts';
import { findPeer, peerHint } from '../../test/support/peers.ts';
import { freePort } from '../../test/support/ports.ts';
import { announceMembers } from './heartbeats-members.ts';
import { ringInput } from './large-ring.ts';

const EVERY_MS = 5000;
const MEASURE_MS = 30_000;
const ROUNDS = 9;
/** The claims. */
const LIMITS = { heartbeatsOfThousandPercent: 5, loadTenThousandMs: 200 };

/** As the first argument: this process is the members. */
const MEMBERS = 'members';

/** Runs `work` with a nats-server of its own. */
async function withServer<T>(program: string, work: (url: string) => Promise<T>): Promise<T> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'ringway-bench-'))];
  const server = spawn(program, ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', folder], { stdio: 'ignore' });
  while (!(await answers(port)));
  try {
    return await work(`nats://127.0.0.1:${port}`);
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', () => socket.destroy() && resolve(true));
    socket.once('error', () => setTimeout(() => resolve(false), 20));
  });
}

/** Another process in which so many members are; everyMs 0: they say nothing after they have joined. */
async function startMembers(url: string, count: number, everyMs: number): Promise<() => void> {
  const child = fork(import.meta.filename, [MEMBERS, url, `${count}`, `${everyMs}`]);
  await once(child, 'message');
  return () => child.disconnect();
}

interface Control {
  readonly hub: MembershipHub;
  stop(): Promise<void>;
}

/** Control's part that reads and merges: source and hub. Resolves when the catalog has so many members. */
async function startControl(url: string, count: number): Promise<Control> {
  const connection = { servers: [url], login: null, tls: null, bucket: 'ringway' };
  const options = { name: 'nats', ring: 'live-store', ...connection, replicas: 1, forgetAfterMs: 120_000 };
  const source = createNatsSource(options, {
    clock: systemClock,
    random: systemRandom,
    readSecret: async () => '',
    environment: {},
    mayWrite: true,
  });
  const hub = new MembershipHub([ringInput([source])], { clock: systemClock, logger: silentLogger, metrics: new MetricRegistry() });
  const isDone = new Promise<void>((resolve) => {
    hub.catalog.subscribe((catalog) => {
      const ring = catalog.rings.get('live-store');
      if (ring?.sources[0]?.ok && ring.members.length === count) resolve();
    });
  });
  await hub.start();
  await isDone;
  return { hub, stop: () => hub.stop() };
}

/** Control's part that serves: stage and one client's snapshot, as a querier's sidecar is. */
async function serve({ catalog }: MembershipHub): Promise<() => Promise<void>> {
  const deps = { clock: systemClock, logger: silentLogger, metrics: new MetricRegistry() };
  const driver = new StageDriver({ catalog, ...deps });
  await driver.start();
  const snapshots = createSnapshotSource({ catalog, stage: driver.stage, logger: silentLogger, metrics: deps.metrics });
  const node = { id: 'querier', cluster: 'live-store/egress', zone: 'zone-a', ringway: {} } as Parameters<typeof snapshots.open>[0];
  const feed = snapshots.open(node);
  if ('snapshot' in feed) feed.snapshot.subscribe(() => {});
  return () => driver.stop();
}

const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};
const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Percent of a core while so many members heartbeat: all of control's work, and that of a client that only receives the same messages. */
function heartbeats(program: string, count: number): Promise<{ readonly control: number; readonly onlyReceiving: number }> {
  return withServer(program, async (url) => {
    const early = await startControl(url, 0);
    const stopMembers = await startMembers(url, count, EVERY_MS);
    await early.stop();
    const nc = await connect({ servers: url });
    nc.subscribe('$KV.>', { callback: () => {} });
    const onlyReceiving = await percentOfCore();
    await nc.close();
    const control = await startControl(url, count);
    const stopServing = await serve(control.hub);
    const percent = await percentOfCore();
    stopMembers();
    await stopServing();
    await control.stop();
    return { control: percent, onlyReceiving };
  });
}

async function percentOfCore(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
  return rounded((100 * cpuMs(before)) / MEASURE_MS);
}

/** CPU ms from nothing to a catalog with so many members; several times in one process, as after a connection was lost. */
function loads(program: string, count: number): Promise<number[]> {
  return withServer(program, async (url) => {
    const early = await startControl(url, 0);
    const stopMembers = await startMembers(url, count, 0);
    await early.stop();
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = process.cpuUsage();
      const control = await startControl(url, count);
      costs.push(rounded(cpuMs(before)));
      await control.stop();
    }
    stopMembers();
    return costs;
  });
}

async function measure(program: string): Promise<boolean> {
  const results = {
    heartbeatsPercent: { 100: await heartbeats(program, 100), 1000: await heartbeats(program, 1000) },
    loadTenThousandMs: await loads(program, 10_000),
  };
  console.log(JSON.stringify(results));
  const unit = `heartbeats: CPU % of a core, one from each member every ${EVERY_MS / 1000} s; load: CPU ms from nothing to the merged catalog`;
  const report = { node: process.version, cpu: cpus()[0]?.model, unit, limits: LIMITS, results };
  if (process.argv.includes('--write'))
    writeFileSync(join(import.meta.dirname, '../results/membership-heartbeats.json'), `${JSON.stringify(report, null, 2)}\n`);
  const load = results.loadTenThousandMs.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
  return results.heartbeatsPercent[1000].control <= LIMITS.heartbeatsOfThousandPercent && load <= LIMITS.loadTenThousandMs;
}

const [first, url = '', count, everyMs] = process.argv.slice(2);
const binary = findPeer('nats-server');
if (first === MEMBERS) await announceMembers(url, Number(count), Number(everyMs));
else if (binary === undefined) {
  console.error(peerHint('nats-server'));
  process.exit(64);
} else process.exit((await measure(binary)) ? 0 : 1);
