import { type Spread, spreadOf } from '../spread.ts';
import { type Finding, type Lab, plainPort, runLoad, SMALL } from './finding.ts';

const RATES = [50, 200, 2000];
const CALLS = 600;
const LEAST_SECONDS = 2;

/** What a proxy adds to p50 and p99 of a direct connection, at fixed rates; direct and each proxy in turn. */
export async function measureLatency(lab: Lab): Promise<readonly Finding[]> {
  const fleet = [];
  for (const kind of lab.kinds) fleet.push(await lab.start(kind));
  const targets = new Map([['direct', lab.ends.site.backendPort], ...fleet.map((each) => [each.kind.name, plainPort(each)] as const)]);
  for (const port of targets.values()) await runLoad(lab.ends, SMALL, port, { seconds: LEAST_SECONDS });
  const findings: Finding[] = [];
  for (const rate of RATES) findings.push(...(await atRate(lab, targets, rate)));
  await Promise.all(fleet.map(({ proxy }) => proxy.stop()));
  return findings;
}

async function atRate(lab: Lab, targets: ReadonlyMap<string, number>, rate: number): Promise<readonly Finding[]> {
  const seconds = Math.max(LEAST_SECONDS, CALLS / rate);
  const added = { p50: new Map<string, number[]>(), p99: new Map<string, number[]>() };
  for (let round = 0; round < lab.rounds; round += 1) {
    let direct = { p50: 0, p99: 0 };
    for (const [name, port] of targets) {
      const { latencyUs } = await runLoad(lab.ends, { ...SMALL, rate }, port, { seconds });
      if (name === 'direct') direct = latencyUs;
      for (const which of ['p50', 'p99'] as const) {
        const value = name === 'direct' ? latencyUs[which] : latencyUs[which] - direct[which];
        added[which].set(name, [...(added[which].get(name) ?? []), value]);
      }
      lab.say(`latency ${rate}/s: ${name} p50 ${latencyUs.p50} µs, p99 ${latencyUs.p99} µs`);
    }
  }
  return (['p50', 'p99'] as const).map((which) => ({
    name: `${which} added to a direct connection's at ${rate.toLocaleString('en')} a second`,
    unit: 'µs',
    values: spreads(added[which]),
    bound: 'envoy',
  }));
}

function spreads(values: ReadonlyMap<string, readonly number[]>): Record<string, Spread> {
  return Object.fromEntries([...values].map(([name, all]) => [name, spreadOf(all)]));
}
