import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LOADS, type Load } from './loads.ts';
import type { Finding } from './measures/index.ts';
import type { Results } from './results.ts';
import type { LoadCosts, ProxyCost } from './rounds.ts';
import { type Spread, spreadOf } from './spread.ts';

/** Loads on which Ringway must not cost more than HAProxy. */
const BESIDE_HAPROXY = ['a1', 'a2', 'v1', 'v2', 'd'];
/** Pages with tables of this bench, and what stands between `<!-- bench:engine NAME -->` and `<!-- /bench:engine -->` in them. */
const PAGES: Readonly<Record<string, Readonly<Record<string, (results: Results) => string>>>> = {
  'docs/reference/benchmarks.md': { machine: machineText, loads: loadTable, speed: speedTable, rest: findingTable },
  'README.md': { short: shortTable },
};

/** Writes the tables into the pages. Returns their names. Throws when a page lacks a mark. */
export function writePages(results: Results): readonly string[] {
  for (const [file, parts] of Object.entries(PAGES)) {
    let text = readFileSync(resolve(file), 'utf8');
    for (const [name, make] of Object.entries(parts)) {
      const marks = new RegExp(`(<!-- bench:engine ${name} -->\\n)[^]*?(<!-- /bench:engine -->)`);
      if (!marks.test(text)) throw new Error(`${file} has no mark for "${name}"`);
      text = text.replace(marks, (_, from: string, to: string) => `${from}${make(results)}\n${to}`);
    }
    writeFileSync(resolve(file), text);
  }
  return Object.keys(PAGES);
}

/** Loads × proxies: CPU µs per request, least / median / greatest, with the ratio to Envoy's in the same rounds; and whether Ringway keeps its bounds. */
export function loadTable({ loads, proxies }: Results): string {
  const names = Object.keys(proxies);
  const head = ['load', ...names.map((name) => proxies[name]?.title ?? name), 'must', 'aim', 'met', '≤ HAProxy', 'rounds'];
  const rows = described(loads).map(([load, result]) => {
    const cells = names.map((name) => costCell(result.costs, name));
    return [
      `${load.name}: ${load.title}`,
      ...cells,
      bound(load.must),
      bound(load.aim),
      verdict(load, result),
      besideHaproxy(result),
      roundsText(result),
    ];
  });
  return table(head, rows);
}

/** Loads × proxies: requests a second and p50, p99 as the load saw them. */
function speedTable({ loads, proxies }: Results): string {
  const names = Object.keys(proxies);
  const rows = described(loads).map(([load, { costs }]) => [load.name, ...names.map((name) => speedCell(costs[name]))]);
  return table(['load', ...names.map((name) => proxies[name]?.title ?? name)], rows);
}

/** What was measured beside the loads. */
export function findingTable({ findings }: Results): string {
  const head = ['what', 'unit', 'Ringway', 'Envoy', 'bound', 'met'];
  const rows = findings.map((finding) => {
    const { name, unit, values } = finding;
    const [limit, met] = judged(finding);
    return [name, unit, spreadText(values['ringway']), spreadText(values['envoy']), limit, met];
  });
  return table(head, rows);
}

/** The ratios alone. */
function shortTable({ loads }: Results): string {
  const rows = described(loads).map(([load, { costs }]) => [
    load.title,
    ratioText(ratio(costs, 'ringway', 'envoy')),
    ratioText(ratio(costs, 'haproxy', 'envoy')),
    ratioText(ratio(costs, 'nginx', 'envoy')),
  ]);
  return table(['CPU time per request, Envoy = 1', 'Ringway', 'HAProxy', 'nginx'], rows);
}

function machineText({ machine, proxies }: Results): string {
  const versions = Object.values(proxies).map(({ title, version }) => `- ${title} ${version}`);
  return [`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}, ${machine.date}.`, '', ...versions].join(
    '\n',
  );
}

/** Results in the order of the loads. */
function described(results: readonly LoadCosts[]): readonly (readonly [Load, LoadCosts])[] {
  return LOADS.flatMap((load) => {
    const result = results.find((each) => each.load === load.name);
    return result ? [[load, result] as const] : [];
  });
}

type Costs = LoadCosts['costs'];

/** What one proxy costs beside another in the same round: that holds while the machine's speed drifts. */
function ratio(costs: Costs, of: string, to: string): Spread | undefined {
  const [cost, base] = [costs[of], costs[to]];
  if (typeof cost !== 'object' || typeof base !== 'object' || cost.roundsUs.length !== base.roundsUs.length) return undefined;
  return spreadOf(cost.roundsUs.map((us, index) => us / (base.roundsUs[index] as number)));
}

function costCell(costs: Costs, name: string): string {
  const cost = costs[name] ?? '–';
  if (typeof cost === 'string') return cost;
  const toEnvoy = name === 'envoy' ? undefined : ratio(costs, name, 'envoy');
  return `${spreadText(cost.cpuUs)}${toEnvoy === undefined ? '' : ` · ${toEnvoy.min.toFixed(2)} / **${toEnvoy.median.toFixed(2)}** / ${toEnvoy.max.toFixed(2)}`}`;
}

function speedCell(cost: ProxyCost | string | undefined): string {
  if (typeof cost !== 'object') return '–';
  return `${Math.round(cost.perSecond.median).toLocaleString('en')}/s, ${short(cost.p50Us.median)} / ${short(cost.p99Us.median)} µs`;
}

function verdict({ must, aim }: Load, { costs }: LoadCosts): string {
  const reached = ratio(costs, 'ringway', 'envoy')?.median;
  if (reached === undefined || must === undefined || aim === undefined) return '';
  if (reached <= aim) return 'aim';
  return reached <= must ? 'must' : '**no**';
}

function roundsText({ rounds, thrownAway }: LoadCosts): string {
  return thrownAway === 0 ? String(rounds) : `${rounds} of ${rounds + thrownAway}`;
}

function besideHaproxy({ load, costs }: LoadCosts): string {
  const reached = ratio(costs, 'ringway', 'haproxy')?.median;
  if (reached === undefined || !BESIDE_HAPROXY.includes(load)) return '';
  return `${reached <= 1 ? 'yes' : '**no**'} (${reached.toFixed(2)})`;
}

/** The bound in words, and whether it is kept. */
function judged({ values, bound, unit }: Finding): readonly [string, string] {
  const limit = typeof bound === 'number' ? bound : values[bound]?.median;
  const words = typeof bound === 'number' ? `≤ ${bound} ${unit}` : "≤ Envoy's";
  const reached = values['ringway']?.median;
  if (limit === undefined || reached === undefined) return [words, ''];
  return [words, reached <= limit ? 'yes' : '**no**'];
}

function bound(limit: number | undefined): string {
  return limit === undefined ? '' : `≤ ${limit.toFixed(2)}`;
}

function ratioText(value: Spread | undefined): string {
  return value?.median.toFixed(2) ?? '–';
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return '–';
  const { min, median, max } = spread;
  return min === max ? short(median) : [min, median, max].map(short).join(' / ');
}

function short(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
