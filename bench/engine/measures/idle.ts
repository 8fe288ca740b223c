import { cpuNs } from '../process.ts';
import { round, spreadOf } from '../spread.ts';
import { type Finding, type Lab, pause, plainPort, runLoad, SMALL } from './finding.ts';

const SECONDS = 20;
const SETTLE_MS = 3000;

/** CPU time of a proxy that had some work and now has none; all proxies at once. */
export async function measureIdle(lab: Lab): Promise<readonly Finding[]> {
  const fleet = [];
  for (const kind of lab.kinds) fleet.push(await lab.start(kind));
  for (const started of fleet) await runLoad(lab.ends, SMALL, plainPort(started), { seconds: 0.5 });
  await pause(SETTLE_MS);
  const before = fleet.map(({ proxy }) => cpuNs(proxy.pid));
  await pause(SECONDS * 1000);
  const values = fleet.map(({ kind, proxy }, index) => {
    const msPerSecond = (cpuNs(proxy.pid) - (before[index] as number)) / 1e6 / SECONDS;
    lab.say(`idle: ${kind.name} ${round(msPerSecond)} ms/s`);
    return [kind.name, spreadOf([msPerSecond])] as const;
  });
  await Promise.all(fleet.map(({ proxy }) => proxy.stop()));
  return [{ name: `CPU idle, over ${SECONDS} s`, unit: 'ms/s', values: Object.fromEntries(values), bound: 1 }];
}
