// `ringway ring watch`: the rings as they are, then what changes, until somebody has seen enough.
import type { RingwayConfig } from '../config/index.ts';
import { changeText, describeRing, type RingChange, ringChanges } from '../control/index.ts';
import { isoTime, sleep } from '../core/index.ts';
import type { Catalog, Ring, RingName } from '../membership/types.ts';
import { RingInputs } from './ring-inputs.ts';
import { allRead, quietHub, type RingReadDeps, selectRings, withoutWaiting } from './ring-read.ts';

/** How long sources may take to say something before the rings are shown as they are known then. */
const READ_MS = 1_000;

/** Timers hold no more: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const MAX_SLEEP_MS = 2 ** 31 - 1;

export interface RingWatchOptions {
  readonly config: RingwayConfig;
  /** Which ring; null for all of them. */
  readonly ring: RingName | null;
  /** One JSON object a line instead of text. */
  readonly json: boolean;
}

/**
 * Writes each ring once and then a line for each change, until `signal` aborts. As JSON: first `{time, ring, event: "ring", …}` as
 * `ring show --json` has it, then `{time, ring, event, …}`. Throws as showRings.
 */
export async function watchRings(
  options: RingWatchOptions,
  deps: RingReadDeps,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = deps;
  const hub = quietHub(new RingInputs({ ...deps, mayWrite: false }).of(selectRings(options.config, options.ring, READ_MS)), clock);
  await hub.start();
  try {
    await allRead(hub.catalog, READ_MS, clock, signal);
    if (signal.aborted) return;
    const { value: shown } = hub.catalog;
    write(firstLook(withoutWaiting(shown, READ_MS), clock.nowMs(), options.json));
    const several = shown.rings.size > 1;
    const unsubscribe = hub.catalog.subscribe((after, before) => {
      for (const ring of after.rings.values())
        for (const change of ringChanges(before.rings.get(ring.name) as Ring, ring))
          write(lineOf(ring.name, change, clock.nowMs(), { ...options, several }));
    });
    // Whatever sources wait for, a timer or a file that is not there yet, may keep no process alive.
    while (!signal.aborted) await sleep(clock, MAX_SLEEP_MS, signal);
    unsubscribe();
  } finally {
    await hub.stop();
  }
}

function firstLook(catalog: Catalog, nowMs: number, json: boolean): string {
  const shown = [...catalog.rings.keys()].map((name) => describeRing(name, catalog, nowMs, null, null));
  if (!json) return `${shown.map(({ text }) => text).join('\n')}\n`;
  return shown.map((ring) => `${JSON.stringify({ time: isoTime(nowMs), event: 'ring', ...ring.json })}\n`).join('');
}

function lineOf(
  ring: RingName,
  change: RingChange,
  nowMs: number,
  { json, several }: { readonly json: boolean; readonly several: boolean },
): string {
  if (json) return `${JSON.stringify({ time: isoTime(nowMs), ring, ...change })}\n`;
  return `${changeText(change, nowMs, several ? ring : null)}\n`;
}
