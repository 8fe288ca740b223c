import type { Started } from '../fleet.ts';
import type { Load } from '../loads.ts';
import { residentBytes } from '../process.ts';
import { type Spread, spreadOf } from '../spread.ts';
import { type Finding, type Lab, pause, plainPort, runLoad, SMALL } from './finding.ts';

const MIB = 1 << 20;
const CONNECTIONS = 2000;
const MANY_REQUESTS = 1_000_000;
const SETTLE_MS = 1000;
const REPEATS = 3;

/** Resident memory: idle, for each connection, with large responses in flight, after a million requests. Each with processes of its own. */
export async function measureMemory(lab: Lab): Promise<readonly Finding[]> {
  const rows: readonly Row[] = [
    { name: 'RSS idle', unit: 'MiB', bound: 'envoy', measure: idle },
    { name: `RSS for each of ${CONNECTIONS.toLocaleString('en')} connections`, unit: 'KiB', bound: 20, measure: perConnection },
    {
      name: 'RSS added by 8 × 16 MiB responses to slow readers, 8 connections × 1',
      unit: 'MiB',
      bound: 64,
      measure: (each, started) => inFlight(each, started, { connections: 8, streams: 1 }),
    },
    {
      name: 'RSS added by 8 × 16 MiB responses to a slow reader, 1 connection × 8',
      unit: 'MiB',
      bound: 64,
      measure: (each, started) => inFlight(each, started, { connections: 1, streams: 8 }),
    },
    { name: `RSS after ${MANY_REQUESTS.toLocaleString('en')} requests`, unit: 'MiB', bound: 100, measure: afterMany, repeats: 1 },
  ];
  const findings: Finding[] = [];
  for (const { name, unit, bound, measure, repeats } of rows) {
    findings.push({ name, unit, bound, values: await ofEach(lab, name, measure, repeats ?? REPEATS) });
  }
  return findings;
}

interface Row extends Omit<Finding, 'values'> {
  readonly measure: Measure;
  readonly repeats?: number;
}

type Measure = (lab: Lab, started: Started) => Promise<number>;

async function ofEach(lab: Lab, name: string, measure: Measure, repeats: number): Promise<Record<string, Spread>> {
  const values: Record<string, Spread> = {};
  for (const kind of lab.kinds) {
    const all: number[] = [];
    for (let index = 0; index < repeats; index += 1) {
      const started = await lab.start(kind);
      await pause(SETTLE_MS);
      all.push(await measure(lab, started));
      await started.proxy.stop();
      lab.say(`memory: ${kind.name}: ${name}: ${all.at(-1)?.toFixed(1)}`);
    }
    values[kind.name] = spreadOf(all);
  }
  return values;
}

async function idle(_lab: Lab, { proxy }: Started): Promise<number> {
  return residentBytes(proxy.pid) / MIB;
}

async function perConnection({ ends }: Lab, started: Started): Promise<number> {
  const port = plainPort(started);
  await runLoad(ends, { ...SMALL, connections: 1, streams: 1 }, port, { requests: 200 });
  const before = residentBytes(started.proxy.pid);
  const generator = await ends.connect({ ...SMALL, connections: CONNECTIONS, rate: CONNECTIONS }, port, {
    requests: CONNECTIONS,
    hold: true,
  });
  await generator.run();
  await pause(SETTLE_MS);
  const after = residentBytes(started.proxy.pid);
  await generator.stop();
  return (after - before) / CONNECTIONS / 1024;
}

/** The most it has while readers take a sixteenth of a response a second. */
async function inFlight({ ends }: Lab, started: Started, shape: Pick<Load, 'connections' | 'streams'>): Promise<number> {
  const port = plainPort(started);
  await runLoad(ends, { ...SMALL, connections: 1, streams: 1 }, port, { requests: 200 });
  const before = residentBytes(started.proxy.pid);
  const generator = await ends.connect({ ...SMALL, ...shape, responseBytes: 16 * MIB }, port, { requests: 8, readRate: MIB });
  const ended = generator.run().catch(() => {}); // it is stopped long before its answers are there
  let most = before;
  for (let sample = 0; sample < 100; sample += 1) {
    await pause(40);
    most = Math.max(most, residentBytes(started.proxy.pid));
  }
  await generator.stop();
  await ended;
  return (most - before) / MIB;
}

async function afterMany({ ends }: Lab, started: Started): Promise<number> {
  await runLoad(ends, SMALL, plainPort(started), { requests: MANY_REQUESTS });
  return residentBytes(started.proxy.pid) / MIB;
}
