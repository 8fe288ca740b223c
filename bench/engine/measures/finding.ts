import type { Ends, LoadResult, RunOptions } from '../ends.ts';
import type { Started } from '../fleet.ts';
import type { Load } from '../loads.ts';
import type { ProxyKind, StartOptions } from '../proxies/types.ts';
import type { Spread } from '../spread.ts';

/** Something that was measured of Ringway, mostly beside Envoy, and what it may be at most. */
export interface Finding {
  readonly name: string;
  readonly unit: string;
  /** By the proxy's name. */
  readonly values: Readonly<Record<string, Spread>>;
  /** What Ringway's median may be at most: a number, or the median of that proxy. */
  readonly bound: number | 'envoy';
}

/** What a measure works with. */
export interface Lab {
  readonly ends: Ends;
  /** Ringway and, when there is one, Envoy. */
  readonly kinds: readonly ProxyKind[];
  readonly rounds: number;
  /** Starts one proxy alone. */
  start(kind: ProxyKind, more?: Partial<StartOptions>): Promise<Started>;
  /** Tells how far one is. */
  say(line: string): void;
}

/** Connects, runs and ends a load. */
export async function runLoad(ends: Ends, load: Load, port: number, options: RunOptions): Promise<LoadResult> {
  const generator = await ends.connect(load, port, options);
  try {
    return await generator.run();
  } finally {
    await generator.stop();
  }
}

/** The plaintext port of a proxy. */
export function plainPort({ proxy }: Started): number {
  return proxy.port('plain', 'frames') as number;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Unary calls with varying headers. */
export const SMALL: Load = {
  name: 'small',
  title: '',
  door: 'plain',
  ends: 'frames',
  connections: 4,
  streams: 10,
  varying: true,
  requestBytes: 100,
  responseBytes: 200,
};
