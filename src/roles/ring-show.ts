// `ringway ring show`: read the rings once, try their ports, say what is so.
import type { RingwayConfig } from '../config/index.ts';
import { describeRing, type Proposals, type ShownRing, type SilentPorts } from '../control/index.ts';
import type { Clock } from '../core/index.ts';
import type { Catalog, RingName } from '../membership/types.ts';
import { probePort } from './probe-ports.ts';
import { RingInputs } from './ring-inputs.ts';
import { allRead, quietHub, type RingReadDeps, selectRings, withoutWaiting } from './ring-read.ts';

/** How long sources may take to say something. With the probe of the ports the whole stays below two seconds. */
const READ_MS = 1_000;

/** Of each ring; all at once, so more would be a storm, and more sockets than a process may have. */
const MAX_PROBES = 500;

export interface RingShowOptions {
  readonly config: RingwayConfig;
  /** Which ring; null for all of them. */
  readonly ring: RingName | null;
  /** How long a port may take to answer, ms; 0 leaves the ports alone. The first 500 of a ring are tried. */
  readonly probeTimeoutMs: number;
  readonly proposals: Proposals;
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
export async function showRings(options: RingShowOptions, deps: RingReadDeps): Promise<ShownRings> {
  const { clock } = deps;
  const hub = quietHub(new RingInputs({ ...deps, mayWrite: false }).of(selectRings(options.config, options.ring, READ_MS)), clock);
  await hub.start();
  await allRead(hub.catalog, READ_MS, clock);
  await hub.stop();
  const catalog = withoutWaiting(hub.catalog.value, READ_MS);
  const silent = options.probeTimeoutMs === 0 ? null : await probeAll(catalog, options.probeTimeoutMs, clock);
  const nowMs = clock.nowMs();
  const shown = [...catalog.rings.keys()].map((name) => describeRing(name, catalog, nowMs, silent?.get(name) ?? null, options.proposals));
  return {
    text: shown.map(({ text }) => text).join('\n'),
    rings: shown.map(({ json }) => json),
    readable: [...catalog.rings.values()].every(({ sources }) => sources.some(({ asOfMs }) => asOfMs !== null)),
  };
}

async function probeAll(catalog: Catalog, timeoutMs: number, clock: Clock): Promise<ReadonlyMap<RingName, SilentPorts>> {
  const probes = [...catalog.rings.values()].map(async (ring): Promise<[RingName, SilentPorts]> => {
    const dialable = ring.members.filter(({ refused }) => refused === null).slice(0, MAX_PROBES);
    const answers = await Promise.all(dialable.map(async ({ id, address }) => [id, await probePort(address, timeoutMs, clock)] as const));
    return [ring.name, new Map(answers.flatMap(([id, reason]) => (reason === null ? [] : [[id, reason]])))];
  });
  return new Map(await Promise.all(probes));
}
