import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Ends, LoadResult, RunOptions } from './ends.ts';
import type { Load } from './loads.ts';
import { cpuNs } from './process.ts';
import type { ProxyKind, RunningProxy, StartOptions } from './proxies/types.ts';

/** A proxy that runs. */
export interface Started {
  readonly kind: ProxyKind;
  readonly proxy: RunningProxy;
}

/** Starts the proxies, each in a folder of its own within `folder`. All run at once: one that nobody asks costs nothing. */
export async function startAll(kinds: readonly ProxyKind[], options: StartOptions): Promise<readonly Started[]> {
  const started: Started[] = [];
  for (const kind of kinds) {
    const folder = join(options.folder, kind.name);
    mkdirSync(folder, { recursive: true });
    const proxy = await kind.start({ ...options, folder }).catch((error: unknown) => {
      throw new Error(`${kind.title} does not start: ${(error as Error).message}`);
    });
    started.push({ kind, proxy });
  }
  return started;
}

/** One run of a load: what the generator says, and what the proxy spent on it. */
export interface Run extends LoadResult {
  /** Of the proxy, all its threads and children: µs of CPU time for each completed request. */
  readonly cpuUs: number;
}

/** Runs a load through a proxy; undefined when it has no such door. Connections are there before the measuring begins. */
export async function runThrough(ends: Ends, { proxy }: Started, load: Load, options: RunOptions): Promise<Run | undefined> {
  const port = proxy.port(load.door, load.ends);
  if (port === undefined) return undefined;
  const generator = await ends.connect(load, port, options);
  try {
    const before = cpuNs(proxy.pid);
    const result = await generator.run();
    return { ...result, cpuUs: (cpuNs(proxy.pid) - before) / 1000 / result.completed };
  } finally {
    await generator.stop();
  }
}
