// What the looking commands share: which rings, read for a short while, and what stands there then.
import type { RingConfig, RingwayConfig } from '../config/index.ts';
import { type Clock, type Random, type ReadonlyObservable, RingwayError } from '../core/index.ts';
import { MembershipHub, type RingInput } from '../membership/index.ts';
import type { Catalog, Ring, RingName } from '../membership/types.ts';
import { MetricRegistry, silentLogger } from '../telemetry/index.ts';

/** What the world hands in. */
export interface RingReadDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the process: where secrets and a pod's API server may stand. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The configuration with this ring alone, with all for null; its sources give up on a peer before `readMs` are over, so that one that
 * hangs is told as such. Throws RingwayError `USAGE_RING` when there is no such ring.
 */
export function selectRings(config: RingwayConfig, ring: RingName | null, readMs: number): RingwayConfig {
  const names = [...config.rings.keys()];
  if (ring !== null && !config.rings.has(ring))
    throw new RingwayError(`no ring "${ring}"; there is: ${names.join(', ') || 'none'}`, { code: 'USAGE_RING' });
  const chosen = [...config.rings].filter(([name]) => ring === null || name === ring);
  return { ...config, rings: new Map(chosen.map(([name, ringConfig]) => [name, inTime(ringConfig, readMs)])) };
}

function inTime(config: RingConfig, readMs: number): RingConfig {
  const sources = config.sources.map((source) =>
    'timeoutMs' in source ? { ...source, timeoutMs: Math.min(source.timeoutMs, readMs - 100) } : source,
  );
  return { ...config, sources };
}

/** A hub that says nothing to logs and metrics. */
export function quietHub(rings: readonly RingInput[], clock: Clock): MembershipHub {
  return new MembershipHub(rings, { clock, logger: silentLogger, metrics: new MetricRegistry() });
}

/** Resolves when every source has said something, at the latest after `readMs`, or when `signal` aborts. */
export function allRead(catalog: ReadonlyObservable<Catalog>, readMs: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      unsubscribe();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const look = ({ rings }: Catalog): void => {
      if ([...rings.values()].every(allHaveSpoken)) done();
    };
    const unsubscribe = catalog.subscribe(look);
    const timer = clock.after(readMs, done, { keepAlive: true });
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
    else look(catalog.value);
  });
}

function allHaveSpoken({ sources }: Ring): boolean {
  return sources.every(({ asOfMs, error }) => asOfMs !== null || error !== null);
}

/** One look waits for no source: what was not read by now is left out, and what said nothing has failed. */
export function withoutWaiting(catalog: Catalog, readMs: number): Catalog {
  const spoken = (ring: Ring): Ring => ({
    ...ring,
    sources: ring.sources.map((source) =>
      source.asOfMs === null ? { ...source, error: source.error ?? `no answer within ${readMs} ms`, expired: true } : source,
    ),
  });
  return { ...catalog, rings: new Map([...catalog.rings].map(([name, ring]) => [name, spoken(ring)])) };
}
