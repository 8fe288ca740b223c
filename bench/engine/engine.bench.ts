// CPU time per request beside Envoy, HAProxy and nginx, and what else a sidecar costs: npm run bench:engine -- --help
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGoProgram } from '../../test/support/go.ts';
import { Ends } from './ends.ts';
import { startAll } from './fleet.ts';
import { LOADS } from './loads.ts';
import { type Finding, type Lab, MEASURES } from './measures/index.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { pinSelf } from './process.ts';
import { proxyKinds } from './proxies/index.ts';
import type { ProxyKind } from './proxies/types.ts';
import { findingTable, loadTable, writePages } from './report.ts';
import { describeMachine, type Results, storeResults } from './results.ts';
import { type LoadCosts, measureLoad } from './rounds.ts';

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) await bench(options);
  else console.log(HELP);
} catch (error) {
  console.error(`bench:engine: ${(error as Error).message}`);
  process.exitCode = 1;
}
process.exit(); // ends all that was started

async function bench(options: BenchOptions): Promise<void> {
  const kinds = presentKinds(options);
  const program = await buildGoProgram('engine');
  const folder = mkdtempSync(join(tmpdir(), 'ringway-bench-'));
  if (!options.keep) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  else console.log(`configurations are in ${folder}`);
  pinSelf(options.loadCore);
  const ends = await Ends.start(program, options.loadCore, folder);
  const loads = options.parts.includes('loads') ? await benchLoads(options, kinds, ends, folder) : [];
  const findings = await benchRest(options, kinds, ends, folder);
  await ends.stop();
  const results: Results = { ...(await describeMachine(kinds)), loads, findings };
  if (loads.length > 0) console.log(`\n${loadTable(results)}`);
  if (findings.length > 0) console.log(`\n${findingTable(results)}`);
  if (options.write) for (const file of writePages(storeResults(results))) console.log(`wrote ${file}`);
}

function presentKinds(options: BenchOptions): readonly ProxyKind[] {
  const asked = proxyKinds(options.ringway, options.against).filter(({ name }) => options.proxies.includes(name));
  return asked.filter((kind) => {
    const missing = kind.missing();
    if (missing !== undefined) console.log(`without ${kind.title}: ${missing}`);
    return missing === undefined;
  });
}

async function benchLoads(options: BenchOptions, kinds: readonly ProxyKind[], ends: Ends, folder: string): Promise<readonly LoadCosts[]> {
  const loads = LOADS.filter(({ name }) => options.loads.includes(name));
  const doors = [...new Set(loads.map(({ door }) => door))];
  const fleet = await startAll(kinds, { site: ends.site, core: options.proxyCore, doors, folder });
  const results: LoadCosts[] = [];
  for (const load of loads) {
    results.push(await measureLoad(ends, fleet, load, options, (line) => console.log(`${load.name}: ${line}`)));
  }
  await Promise.all(fleet.map(({ proxy }) => proxy.stop()));
  return results;
}

/** The parts beside the loads: of Ringway and the minimal Envoy. */
async function benchRest(options: BenchOptions, kinds: readonly ProxyKind[], ends: Ends, folder: string): Promise<readonly Finding[]> {
  const lab: Lab = {
    ends,
    kinds: kinds.filter(({ name }) => ['ringway', 'against', 'envoy'].includes(name)),
    rounds: options.rounds,
    async start(kind, more = {}) {
      const own = join(folder, kind.name);
      mkdirSync(own, { recursive: true });
      return { kind, proxy: await kind.start({ site: ends.site, core: options.proxyCore, doors: ['plain'], folder: own, ...more }) };
    },
    say: (line) => console.log(line),
  };
  const findings: Finding[] = [];
  for (const [part, measure] of Object.entries(MEASURES)) {
    if (!options.parts.includes(part)) continue;
    try {
      findings.push(...(await measure(lab, options.loadCore, folder)));
    } catch (error) {
      console.error(`bench:engine: ${part}: ${(error as Error).message}`); // half an hour of other results is not lost
      process.exitCode = 1;
    }
  }
  return findings;
}
