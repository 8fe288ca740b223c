// `ringway ring show`: read the rings once, try their ports, say what is so.
import type { RingConfig, RingwayConfig } from '../config/index.ts';
import { describeRing, type Proposals, type ShownRing, type SilentPorts } from '../control/index.ts';
import { type Clock, type Random, type ReadonlyObservable, RingwayError } from '../core/index.ts';
import { MembershipHub } from '../membership/index.ts';
import type { Catalog, Ring, RingName } from '../membership/types.ts';
import { MetricRegistry, silentLogger } from '../telemetry/index.ts';
import { probePort } from './probe-ports.ts';
import { RingInputs } from './ring-inputs.ts';

/** How long sources may take to say something. With the probe of the ports the whole stays below two seconds. */
const READ_MS = 1_000;

export interface RingShowOptions {
  readonly config: RingwayConfig;
  /** Which ring; null for all of them. */
  readonly ring: RingName | null;
  /** How long a port may take to answer, ms; 0 leaves the ports alone. */
  readonly probeTimeoutMs: number;
  readonly proposals: Proposals;
}

/** What the world hands in. */
export interface RingShowDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the process: where secrets and a pod's API server may stand. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What was seen. */
export interface ShownRings {
  /** For people, one block a ring. */
  readonly text: string;
  /** For machines. */
  readonly rings: readonly ShownRing[];
  /** Whether every ring could be read by at least one source. */
  readonly readable: boolean;
}

/** Reads the rings once. Throws RingwayError `USAGE_RING` when there is no such ring, `CONFIG_NO_RING` when there is none at all. */
export async function showRings(options: RingShowOptions, deps: RingShowDeps): Promise<ShownRings> {
  const { clock } = deps;
  const config = { ...options.config, rings: selectRings(options) };
  const hub = new MembershipHub(new RingInputs(deps).of(config), {
    clock,
    logger: silentLogger,
    metrics: new MetricRegistry(),
  });
  await hub.start();
  await allRead(hub.catalog, clock);
  await hub.stop();
  const catalog = withoutWaiting(hub.catalog.value);
  const silent = options.probeTimeoutMs === 0 ? null : await probeAll(catalog, options.probeTimeoutMs, clock);
  const nowMs = clock.nowMs();
  const shown = [...catalog.rings.keys()].map((name) => describeRing(name, catalog, nowMs, silent?.get(name) ?? null, options.proposals));
  return {
    text: shown.map(({ text }) => text).join('\n'),
    rings: shown.map(({ json }) => json),
    readable: [...catalog.rings.values()].every(({ sources }) => sources.some(({ asOfMs }) => asOfMs !== null)),
  };
}

function selectRings({ config, ring }: RingShowOptions): ReadonlyMap<RingName, RingConfig> {
  const names = [...config.rings.keys()];
  if (ring !== null && !config.rings.has(ring))
    throw new RingwayError(`no ring "${ring}"; there is: ${names.join(', ') || 'none'}`, { code: 'USAGE_RING' });
  const chosen = [...config.rings].filter(([name]) => ring === null || name === ring);
  return new Map(chosen.map(([name, config]) => [name, inTime(config)]));
}

/** A peer that hangs is told as such before the time is over. */
function inTime(config: RingConfig): RingConfig {
  const sources = config.sources.map((source) =>
    source.kind === 'tempo' ? { ...source, timeoutMs: Math.min(source.timeoutMs, READ_MS - 100) } : source,
  );
  return { ...config, sources };
}

function allRead(catalog: ReadonlyObservable<Catalog>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ rings }: Catalog): void => {
      if (![...rings.values()].every(allHaveSpoken)) return;
      timer.cancel();
      unsubscribe();
      resolve();
    };
    const unsubscribe = catalog.subscribe(look);
    const timer = clock.after(
      READ_MS,
      () => {
        unsubscribe();
        resolve();
      },
      { keepAlive: true },
    );
    look(catalog.value);
  });
}

function allHaveSpoken({ sources }: Ring): boolean {
  return sources.every(({ asOfMs, error }) => asOfMs !== null || error !== null);
}

/** One look waits for no source: what was not read by now is left out, and what said nothing has failed. */
function withoutWaiting(catalog: Catalog): Catalog {
  const spoken = (ring: Ring): Ring => ({
    ...ring,
    sources: ring.sources.map((source) =>
      source.asOfMs === null ? { ...source, error: source.error ?? `no answer within ${READ_MS} ms`, expired: true } : source,
    ),
  });
  return { ...catalog, rings: new Map([...catalog.rings].map(([name, ring]) => [name, spoken(ring)])) };
}

async function probeAll(catalog: Catalog, timeoutMs: number, clock: Clock): Promise<ReadonlyMap<RingName, SilentPorts>> {
  const probes = [...catalog.rings.values()].map(async (ring): Promise<[RingName, SilentPorts]> => {
    const dialable = ring.members.filter(({ refused }) => refused === null);
    const answers = await Promise.all(dialable.map(async ({ id, address }) => [id, await probePort(address, timeoutMs, clock)] as const));
    return [ring.name, new Map(answers.flatMap(([id, reason]) => (reason === null ? [] : [[id, reason]])))];
  });
  return new Map(await Promise.all(probes));
}
