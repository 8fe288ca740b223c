import type { Host } from './host.ts';
import type { HostSet, Pick } from './host-set.ts';
import { loadWithout, type PriorityLoad } from './priority-load.ts';
import type { HostSelection } from './types.ts';

/**
 * A host for a second try. previous_priorities moves the load away from priorities that were tried, previous_hosts picks again
 * while a tried host comes, at most `maxAttempts` times. Where Envoy would then let the last pick stand, a host that outlier
 * detection threw out goes before one that has just failed this very request: it may be well again, or never have been ill. Not
 * when the failed one was only slow to connect to (`wasSlow`): that happens to hosts that are well, and to a machine that is busy.
 */
export function pickAgain(set: HostSet, tried: readonly Host[], selection: HostSelection, wasSlow = false): Pick {
  const load = loadAfter(set, tried, selection);
  let pick = set.pick(load);
  for (let i = 0; selection.avoidPreviousHosts && i < selection.maxAttempts && wasTried(pick, tried); i += 1) pick = set.pick(load);
  const wantsAnother = selection.avoidPreviousHosts || selection.previousPrioritiesEvery > 0;
  if (!wantsAnother || (pick.host && (wasSlow || !wasTried(pick, tried)))) return pick;
  const ejected = set.hosts.find((host) => host.ejection.state === 'ejected' && host.isAvailableByEds && !tried.includes(host));
  return ejected ? { host: ejected, panic: false } : pick;
}

function wasTried({ host }: Pick, tried: readonly Host[]): boolean {
  return host !== undefined && tried.includes(host);
}

/**
 * A host for a hedge: never one that was tried, never one that is not available. Undefined when none is left, and then no hedge
 * may be sent: it could only fail.
 */
export function pickUntried(set: HostSet, tried: readonly Host[], selection: HostSelection): Host | undefined {
  const { host } = pickAgain(set, tried, selection);
  if (host && host.health !== 'unhealthy' && !tried.includes(host)) return host;
  for (const kind of ['healthy', 'degraded'] as const) {
    for (const level of set.levels) {
      const left = level[kind].hosts.filter((candidate) => !tried.includes(candidate));
      if (left.length > 0) return left[Math.floor(set.options.random() * left.length)];
    }
  }
  return undefined;
}

/** The load after `tried`: recalculated at every `previousPrioritiesEvery`-th try; the plain load when everything was tried. */
function loadAfter(set: HostSet, tried: readonly Host[], selection: HostSelection): Omit<PriorityLoad, 'panic'> {
  const every = selection.previousPrioritiesEvery;
  const counted = every === 0 ? 0 : tried.length - (tried.length % every);
  if (counted === 0) return set.load;
  const excluded = new Set(tried.slice(0, counted).map((host) => host.priority));
  return loadWithout(set.health(), excluded, set.options) ?? set.load;
}
