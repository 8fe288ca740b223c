import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Finding } from './measures/index.ts';
import type { ProxyKind } from './proxies/types.ts';
import type { LoadCosts } from './rounds.ts';

const FILE = join(import.meta.dirname, '../results/engine.json');

/** What one or several runs of the bench have found. */
export interface Results {
  /** Of the last run. */
  readonly machine: { readonly cpu: string; readonly cores: number; readonly kernel: string; readonly node: string; readonly date: string };
  /** Who was measured, by name; in the order of the tables. */
  readonly proxies: Readonly<Record<string, { readonly title: string; readonly version: string }>>;
  readonly loads: readonly LoadCosts[];
  readonly findings: readonly Finding[];
}

/** The machine and the proxies. */
export async function describeMachine(kinds: readonly ProxyKind[]): Promise<Pick<Results, 'machine' | 'proxies'>> {
  const proxies = await Promise.all(kinds.map(async (kind) => [kind.name, { title: kind.title, version: await kind.version() }] as const));
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
  return { machine, proxies: Object.fromEntries(proxies) };
}

/** Writes bench/results/engine.json; what was not measured this time stays as it is. Returns all of it. */
export function storeResults(fresh: Results): Results {
  const stored = read();
  const results = {
    ...fresh,
    proxies: { ...stored?.proxies, ...fresh.proxies },
    loads: merged(stored?.loads ?? [], fresh.loads, ({ load }) => load),
    findings: merged(stored?.findings ?? [], fresh.findings, ({ name }) => name),
  };
  writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

function read(): Results | undefined {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Results;
  } catch {
    return undefined;
  }
}

function merged<T>(old: readonly T[], fresh: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const renewed = new Map(fresh.map((item) => [keyOf(item), item]));
  const kept = old.map((item) => renewed.get(keyOf(item)) ?? item);
  const known = new Set(old.map(keyOf));
  return [...kept, ...fresh.filter((item) => !known.has(keyOf(item)))];
}
