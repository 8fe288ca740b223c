import { LOADS } from './loads.ts';
import type { ProxyKind } from './proxies/types.ts';
import type { LoadCosts, ProxyCost } from './rounds.ts';

/** A table of loads × proxies: CPU µs per request (min / median / max), and the ratio of medians to Envoy's. */
export function loadTable(results: readonly LoadCosts[], kinds: readonly Pick<ProxyKind, 'name' | 'title'>[]): string {
  const head = ['load', ...kinds.map(({ title }) => title), 'must', 'aim'];
  return table(
    head,
    results.map((result) => loadRow(result, kinds)),
  );
}

function loadRow({ load, costs }: LoadCosts, kinds: readonly Pick<ProxyKind, 'name'>[]): string[] {
  const { must, aim } = LOADS.find(({ name }) => name === load) ?? {};
  const envoy = costs['envoy'];
  const cells = kinds.map(({ name }) => costCell(costs[name] ?? '–', typeof envoy === 'object' && name !== 'envoy' ? envoy : undefined));
  return [load, ...cells, bound(must), bound(aim)];
}

function costCell(cost: ProxyCost | string, envoy: ProxyCost | undefined): string {
  if (typeof cost === 'string') return cost;
  const { min, median, max } = cost.cpuUs;
  const ratio = envoy ? ` · **${(median / envoy.cpuUs.median).toFixed(2)}**` : '';
  return `${short(min)} / ${short(median)} / ${short(max)}${ratio}`;
}

function bound(ratio: number | undefined): string {
  return ratio === undefined ? '' : `≤ ${ratio.toFixed(2)}`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
