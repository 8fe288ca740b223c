import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProxyKind } from '../../test/support/egress-recipe.ts';
import type { Measured, Sample, ScenarioName } from './scenarios.ts';

/** The medians of one proxy's rounds; `failed` and `ejections` are sums. */
type ByProxy = Readonly<Record<ProxyKind, Measured>>;

export interface Results {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string; readonly date: string };
  readonly ratePerSecond: number;
  readonly rounds: number;
  readonly scenarios: readonly ({ readonly name: ScenarioName; readonly what: string } & ByProxy)[];
}

/** How much later than Envoy's p99 ours may be and still count as no worse: what rounds of one proxy differ by. */
const NOISE_MS = 5;

export function resultOf(samples: readonly Sample[]): ByProxy {
  return {
    envoy: summary(samples.filter(({ kind }) => kind === 'envoy')),
    ringway: summary(samples.filter(({ kind }) => kind === 'ringway')),
  };
}

function summary(samples: readonly Measured[]): Measured {
  const middle = (key: keyof Measured): number => {
    const values = samples.map((sample) => sample[key]).toSorted((a, b) => a - b);
    return Math.round((values[values.length >> 1] ?? 0) * 100) / 100;
  };
  const sum = (key: keyof Measured): number => samples.reduce((total, sample) => total + sample[key], 0);
  return {
    sent: sum('sent'),
    failed: sum('failed'),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    maxMs: middle('maxMs'),
    triesPerCall: middle('triesPerCall'),
    ejections: sum('ejections'),
  };
}

/** What of ours is not as it must be. */
export function complaints({ scenarios }: Results): readonly string[] {
  return scenarios.flatMap(({ name, envoy, ringway }) => {
    const wrong: string[] = [];
    if (ringway.failed > 0) wrong.push(`${name}: ${ringway.failed} of ${ringway.sent} calls failed`);
    if (name === 'hung' && ringway.p99Ms > envoy.p99Ms + NOISE_MS) wrong.push(`hung: p99 ${ringway.p99Ms} ms, Envoy ${envoy.p99Ms} ms`);
    if ((name === 'lagging' || name === 'alone') && ringway.ejections > 0)
      wrong.push(`${name}: ${ringway.ejections} members were thrown out`);
    if (name === 'slow' && ringway.triesPerCall > 2) wrong.push(`slow: ${ringway.triesPerCall} tries a call`);
    if (name === 'alone' && ringway.triesPerCall > 1) wrong.push(`alone: ${ringway.triesPerCall} tries a call, where only one host is`);
    return wrong;
  });
}

/** As Markdown. */
export function table({ scenarios }: Results): string {
  const cell = ({ sent, failed, p50Ms, p99Ms, triesPerCall, ejections }: Measured): string =>
    `${failed} of ${sent} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} | ${triesPerCall.toFixed(2)} | ${ejections}`;
  const rows = scenarios.flatMap(({ what, envoy, ringway }) => [
    `| ${what} | Envoy | ${cell(envoy)} |`,
    `| | ringway | ${cell(ringway)} |`,
  ]);
  return [
    '| what happens | proxy | failed | p50 ms | p99 ms | tries a call | ejections |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Writes the results and the page that shows them; returns the files. */
export function writeResults(results: Results): readonly string[] {
  const { machine, ratePerSecond, rounds } = results;
  const json = join(import.meta.dirname, '../results/egress.json');
  const page = join(import.meta.dirname, '../../docs/reference/egress-bench.md');
  writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(
    page,
    `# What a querier notices

Written by \`npm run bench:egress -- --write\`; do not edit. ${ratePerSecond} calls a second by one process, ${rounds} rounds by turns, each with new
processes; failures and ejections are sums over all rounds, the rest are medians. Live-stores are grpc-go servers. Both proxies have the same
bootstrap: hedging after 150 ms, one retry, an outlier detection that only counts what the proxy itself finds out.
${machine.cpu}, ${machine.cores} cores for everything, Node ${machine.node}, ${machine.date}.

${table(results)}

Rows of a few calls are the first that a process has ever seen: its code is not compiled yet, which costs ours about 30 ms.

The command fails when one of our calls failed, when our p99 beside a hung member is worse than Envoy's in the same run (by more than
${NOISE_MS} ms), when anybody is thrown out for lagging, or for being the only one, and when a hedge goes where nobody is left.
`,
  );
  return [json, page];
}
