import { parseArgs } from 'node:util';
import { LOADS } from './loads.ts';

/** What the user asked for. */
export interface BenchOptions {
  readonly loads: readonly string[];
  readonly proxies: readonly string[];
  readonly parts: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly ringway: readonly [string, ...string[]];
  readonly against: readonly [string, ...string[]] | undefined;
  readonly proxyCore: number;
  readonly loadCore: number;
  /** Configurations of the proxies are left for the reader. */
  readonly keep: boolean;
  readonly write: boolean;
}

const PROXIES = ['ringway', 'envoy', 'envoyfull', 'haproxy', 'nginx', 'l4'];
/** Parts of the bench: the loads, and what else is measured. */
const PARTS = ['loads', 'latency', 'stall', 'memory', 'idle', 'start'] as const;

export const HELP: string = `CPU time per request of Ringway's sidecar and of its peers, in turn, under the same loads.

usage: npm run bench:engine -- [options]

  --loads a1,v1         of ${LOADS.map(({ name }) => name).join(' ')} (all)
  --proxies a,b         of ${PROXIES.join(' ')} (all that this machine has)
  --only loads,memory   of ${PARTS.join(' ')} (all)
  --rounds N            rounds that count, every proxy in each (5)
  --seconds N           length of one run (2)
  --ringway COMMAND     how Ringway is started ("node dist/bin/ringway.js")
  --against COMMAND     another Ringway to compare it with, in the same rounds; not with --write
  --cores 0,1           the proxies' core, and that of load and backends
  --keep                leaves the proxies' configurations in a folder of the temporary directory
  --write               writes bench/results/engine.json, docs/reference/benchmarks.md and README.md

Envoy, HAProxy and nginx are looked for on PATH, or RINGWAY_ENVOY, RINGWAY_HAPROXY and RINGWAY_NGINX name them. Needs Linux, two cores,
taskset and Go.

examples:
  npm run bench:engine -- --loads a1,v1,a2,c --proxies ringway,envoy --rounds 3 --seconds 1
  npm run bench:engine -- --loads v1 --proxies ringway,envoy --against "node ../before/dist/bin/ringway.js"
  npm run bench:engine -- --only memory,idle,start
  npm run bench:engine -- --write
`;

/** The options of a command line; undefined for --help. Throws with what is allowed. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      loads: { type: 'string' },
      proxies: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      ringway: { type: 'string' },
      against: { type: 'string' },
      cores: { type: 'string' },
      keep: { type: 'boolean' },
      write: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const against = values.against === undefined ? undefined : command('--against', values.against);
  if (against && values.write) throw new Error('--against: another Ringway is nothing to write into pages; leave out --write');
  const [proxyCore, loadCore] = (values.cores ?? '0,1').split(',').map((core) => count('--cores', core, 0));
  if (proxyCore === undefined || loadCore === undefined || proxyCore === loadCore)
    throw new Error('--cores: two different cores, as in 0,1');
  const proxies = choice('--proxies', values.proxies, PROXIES);
  return {
    loads: choice(
      '--loads',
      values.loads,
      LOADS.map(({ name }) => name),
    ),
    proxies: against ? [...proxies, 'against'] : proxies,
    parts: choice('--only', values.only, PARTS),
    rounds: count('--rounds', values.rounds ?? '5', 1),
    seconds: count('--seconds', values.seconds ?? '2', 0.1),
    ringway: command('--ringway', values.ringway ?? `${process.execPath} dist/bin/ringway.js`),
    against,
    proxyCore,
    loadCore,
    keep: values.keep ?? false,
    write: values.write ?? false,
  };
}

function choice(flag: string, text: string | undefined, allowed: readonly string[]): readonly string[] {
  if (text === undefined) return allowed;
  const chosen = text.split(',').filter(Boolean);
  const unknown = chosen.find((name) => !allowed.includes(name));
  if (unknown !== undefined) throw new Error(`${flag}: "${unknown}" is not one of ${allowed.join(', ')}`);
  return chosen;
}

function count(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw new Error(`${flag}: "${text}" is not a number of at least ${least}`);
  return value;
}

function command(flag: string, text: string): readonly [string, ...string[]] {
  const [program, ...rest] = text.split(' ').filter(Boolean);
  if (program === undefined) throw new Error(`${flag}: no command`);
  return [program, ...rest];
}
