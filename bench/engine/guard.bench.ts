// Has a request become dear? The built sidecar's CPU time per request beside that of a bare Node pipe, in turn: npm run bench:guard
// Exit code 0 when it is below the limit, 1 when not, 77 when this machine cannot tell.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGoProgram } from '../../test/support/go.ts';
import { findPeer, peerHint } from '../../test/support/peers.ts';
import { Ends } from './ends.ts';
import { runThrough, type Started, startAll } from './fleet.ts';
import { LOADS, type Load } from './loads.ts';
import { pinSelf } from './process.ts';
import { proxyKinds } from './proxies/index.ts';
import { medianOf } from './spread.ts';

/** How many times the pipe's CPU time per request the sidecar's may be. */
const LIMIT = 4;
const LOAD = LOADS.find(({ name }) => name === 'v1') as Load;
const SECONDS = 1;
/** Compilers of both are done then. */
const WARM_UP_SECONDS = 3;
const ENOUGH_ROUNDS = 5;
/** As long as the median is above the limit there is another round, since whoever shares the machine may be at fault. */
const MOST_ROUNDS = 15;
const CANNOT_TELL = 77;

const missing = whatIsMissing();
if (missing !== undefined && !process.env['RINGWAY_REQUIRE_PEERS']) {
  console.log(missing);
  process.exit(CANNOT_TELL);
}
const folder = mkdtempSync(join(tmpdir(), 'ringway-guard-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
try {
  const ratios = await measure(await buildGoProgram('engine'));
  const ratio = medianOf(ratios);
  const good = ratio <= LIMIT;
  console.log(
    `${ratio.toFixed(2)} times a bare pipe's CPU time per request, ${good ? '' : 'not '}at most ${LIMIT} (${ratios.length} rounds)`,
  );
  process.exit(good ? 0 : 1); // ends all that was started
} catch (error) {
  console.error(`bench:guard: ${(error as Error).message}`);
  process.exit(1);
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'CPU time is read from /proc: needs Linux';
  if (availableParallelism() < 2) return 'proxy and load each need a core: this machine has one';
  if (findPeer('go') === undefined) return peerHint('go');
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no taskset that may choose cores 0 and 1: install util-linux';
  }
}

/** The ratio of each round. */
async function measure(program: string): Promise<readonly number[]> {
  pinSelf(1);
  const ends = await Ends.start(program, 1, folder);
  const kinds = proxyKinds([process.execPath, 'dist/bin/ringway.js']).filter(({ name }) => name === 'ringway' || name === 'l4');
  const fleet = await startAll(kinds, { site: ends.site, core: 0, doors: ['plain'], folder });
  for (const started of fleet) await cost(ends, started, WARM_UP_SECONDS);
  const ratios: number[] = [];
  while (ratios.length < ENOUGH_ROUNDS || (medianOf(ratios) > LIMIT && ratios.length < MOST_ROUNDS)) {
    const costs = new Map<string, number>();
    for (const started of ratios.length % 2 === 0 ? fleet : fleet.toReversed())
      costs.set(started.kind.name, await cost(ends, started, SECONDS));
    const [ringway, pipe] = [costs.get('ringway') as number, costs.get('l4') as number];
    ratios.push(ringway / pipe);
    console.log(`sidecar ${ringway.toFixed(2)} µs, pipe ${pipe.toFixed(2)} µs: ${(ringway / pipe).toFixed(2)}`);
  }
  return ratios;
}

async function cost(ends: Ends, started: Started, seconds: number): Promise<number> {
  return (await runThrough(ends, started, LOAD, { seconds }))?.cpuUs as number;
}
