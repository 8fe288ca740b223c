import type { Ends } from './ends.ts';
import { type Run, runThrough, type Started } from './fleet.ts';
import type { Load } from './loads.ts';
import { medianOf, round, type Spread, spreadOf } from './spread.ts';

/** How often and how long. */
export interface Method {
  readonly rounds: number;
  readonly seconds: number;
}

/** What a proxy spent on a load. */
export interface ProxyCost {
  /** µs of CPU time for each request. */
  readonly cpuUs: Spread;
  /** The same in each round that counts: those of two proxies are pairs. */
  readonly roundsUs: readonly number[];
  readonly perSecond: Spread;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
}

/** A load through all proxies. */
export interface LoadCosts {
  readonly load: string;
  /** By the proxy's name; a text instead says why there is none. */
  readonly costs: Readonly<Record<string, ProxyCost | string>>;
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds that were thrown away and done again. */
  readonly thrownAway: number;
  readonly measuredAt: string;
}

/** Rounds in which Envoy is further than that from its own median do not count: something else ran on its core. */
const STEADY = 0.15;
/** For compilers that compile what is hot. */
const WARM_UP_SECONDS = 2;

type Round = ReadonlyMap<string, Run>;

/** Measures a load: a warm-up, then rounds in which every proxy has its turn; those in which Envoy was disturbed are repeated, at most twice as many. */
export async function measureLoad(
  ends: Ends,
  fleet: readonly Started[],
  load: Load,
  method: Method,
  say: (line: string) => void,
): Promise<LoadCosts> {
  const failed = new Map<string, string>();
  const able = await warmUp(ends, fleet, load, failed);
  const rounds: Round[] = [];
  let done = 0;
  for (let kept: readonly Round[] = []; kept.length < method.rounds && done < 3 * method.rounds; done += 1) {
    const turns = able.map((_, index) => able[(index + done) % able.length] as Started).filter(({ kind }) => !failed.has(kind.name));
    rounds.push(await oneRound(ends, turns, load, method, failed, say));
    kept = steadyRounds(rounds);
  }
  const kept = steadyRounds(rounds);
  const costs = Object.fromEntries(
    fleet.map(({ kind }) => [kind.name, failed.get(kind.name) ?? costOf(kept.flatMap((each) => each.get(kind.name) ?? []))]),
  );
  return { load: load.name, costs, rounds: kept.length, thrownAway: rounds.length - kept.length, measuredAt: new Date().toISOString() };
}

/** Those that take the load; what happened to the others stands in `failed`. */
async function warmUp(ends: Ends, fleet: readonly Started[], load: Load, failed: Map<string, string>): Promise<readonly Started[]> {
  const able: Started[] = [];
  for (const started of fleet) {
    try {
      const run = await runThrough(ends, started, load, { seconds: WARM_UP_SECONDS });
      if (run) able.push(started);
      else failed.set(started.kind.name, '–');
    } catch (error) {
      failed.set(started.kind.name, `fails: ${(error as Error).message}`);
    }
  }
  return able;
}

async function oneRound(
  ends: Ends,
  turns: readonly Started[],
  load: Load,
  { seconds }: Method,
  failed: Map<string, string>,
  say: (line: string) => void,
): Promise<Round> {
  const runs = new Map<string, Run>();
  for (const started of turns) {
    const { name } = started.kind;
    try {
      const run = (await runThrough(ends, started, load, { seconds })) as Run;
      runs.set(name, run);
      say(`${name} ${round(run.cpuUs)} µs, ${Math.round(run.completed / run.seconds)}/s, p99 ${round(run.latencyUs.p99)} µs`);
    } catch (error) {
      failed.set(name, `fails: ${(error as Error).message}`);
    }
  }
  return runs;
}

/** The rounds in which Envoy was as it mostly is; all of them when it does not take part. */
function steadyRounds(rounds: readonly Round[]): readonly Round[] {
  const envoy = rounds.flatMap((each) => each.get('envoy')?.cpuUs ?? []);
  if (envoy.length === 0) return rounds;
  const usual = medianOf(envoy);
  return rounds.filter((each) => Math.abs((each.get('envoy')?.cpuUs ?? 0) - usual) <= STEADY * usual);
}

function costOf(runs: readonly Run[]): ProxyCost | string {
  if (runs.length === 0) return 'no steady round';
  return {
    cpuUs: spreadOf(runs.map(({ cpuUs }) => cpuUs)),
    roundsUs: runs.map(({ cpuUs }) => round(cpuUs)),
    perSecond: spreadOf(runs.map(({ completed, seconds }) => completed / seconds)),
    p50Us: spreadOf(runs.map(({ latencyUs }) => latencyUs.p50)),
    p99Us: spreadOf(runs.map(({ latencyUs }) => latencyUs.p99)),
  };
}
