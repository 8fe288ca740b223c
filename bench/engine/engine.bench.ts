// CPU time per request beside Envoy, HAProxy and nginx: npm run bench:engine -- --help
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGoProgram } from '../../test/support/go.ts';
import { Ends } from './ends.ts';
import { startAll } from './fleet.ts';
import { LOADS } from './loads.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { proxyKinds } from './proxies/index.ts';
import type { ProxyKind } from './proxies/types.ts';
import { loadTable } from './report.ts';
import { type LoadCosts, measureLoad } from './rounds.ts';

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) await bench(options);
  else console.log(HELP);
} catch (error) {
  console.error(`bench:engine: ${(error as Error).message}`);
  process.exit(1); // ends all that was started
}

async function bench(options: BenchOptions): Promise<void> {
  const kinds = presentKinds(options);
  const program = await buildGoProgram('engine');
  const folder = mkdtempSync(join(tmpdir(), 'ringway-bench-'));
  if (!process.env.KEEP)   process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const ends = await Ends.start(program, options.loadCore, folder);
  if (options.parts.includes('loads')) await benchLoads(options, kinds, ends, folder);
  await ends.stop();
}

function presentKinds(options: BenchOptions): readonly ProxyKind[] {
  const asked = proxyKinds(options.ringway, options.against).filter(({ name }) => options.proxies.includes(name));
  return asked.filter((kind) => {
    const missing = kind.missing();
    if (missing !== undefined) console.log(`without ${kind.title}: ${missing}`);
    return missing === undefined;
  });
}

async function benchLoads(options: BenchOptions, kinds: readonly ProxyKind[], ends: Ends, folder: string): Promise<void> {
  const loads = LOADS.filter(({ name }) => options.loads.includes(name));
  const doors = [...new Set(loads.map(({ door }) => door))];
  const fleet = await startAll(kinds, { site: ends.site, core: options.proxyCore, doors, folder });
  const results: LoadCosts[] = [];
  for (const load of loads) {
    results.push(await measureLoad(ends, fleet, load, options, (line) => console.log(`${load.name}: ${line}`)));
  }
  console.log(loadTable(results, kinds));
  await Promise.all(fleet.map(({ proxy }) => proxy.stop()));
}
