// Which share of the load each priority takes. Pure numbers; percentages are whole, as in Envoy, so that shares agree.
// https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority

/** Hosts of one priority by health. */
export interface LevelHealth {
  readonly total: number;
  readonly healthy: number;
  readonly degraded: number;
}

/** Percent by priority; healthy and degraded together make 100. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  /** Priorities in panic: there every host is taken, healthy or not. */
  readonly panic: readonly boolean[];
}

export interface LoadOptions {
  /** Percent: 140 lets 72 % of healthy hosts carry all the load. */
  readonly overprovisioningFactor: number;
  /** healthy_panic_threshold in percent; 0 switches panic off. */
  readonly panicThreshold: number;
}

/** The load of all priorities as it is for a first try. */
export function priorityLoad(levels: readonly LevelHealth[], options: LoadOptions): PriorityLoad {
  const available = availabilityOf(levels, options.overprovisioningFactor);
  const total = totalOf(available.healthy, available.degraded);
  const { healthy, degraded } = total === 0 ? zeros(levels.length) : share(available, total);
  const panic = levels.map((level) => total !== 100 && inPanic(level, options.panicThreshold));
  if (total === 0 && options.panicThreshold === 0) {
    // nothing is available and nothing may panic: the first priority is chosen and found empty
    if (healthy.length > 0) healthy[0] = 100;
  } else if (panic.length > 0 && panic.every(Boolean)) {
    return { healthy: shareByHosts(levels), degraded: zeros(levels.length).degraded, panic };
  }
  return { healthy, degraded, panic };
}

/**
 * The load once `excluded` priorities were tried (previous_priorities): the rest takes it by availability. Undefined when nothing
 * is available outside them.
 */
export function loadWithout(
  levels: readonly LevelHealth[],
  excluded: ReadonlySet<number>,
  options: LoadOptions,
): Omit<PriorityLoad, 'panic'> | undefined {
  const left = levels.map((level, priority) => (excluded.has(priority) ? { total: level.total, healthy: 0, degraded: 0 } : level));
  const available = availabilityOf(left, options.overprovisioningFactor);
  const total = totalOf(available.healthy, available.degraded);
  return total === 0 ? undefined : share(available, total);
}

interface Shares {
  readonly healthy: number[];
  readonly degraded: number[];
}

const zeros = (length: number): Shares => ({ healthy: new Array<number>(length).fill(0), degraded: new Array<number>(length).fill(0) });

function availabilityOf(levels: readonly LevelHealth[], factor: number): Shares {
  const percent = (part: number, total: number): number => (total === 0 ? 0 : Math.min(100, Math.floor((factor * part) / total)));
  return {
    healthy: levels.map(({ healthy, total }) => percent(healthy, total)),
    degraded: levels.map(({ degraded, total }) => percent(degraded, total)),
  };
}

function totalOf(healthy: readonly number[], degraded: readonly number[]): number {
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return Math.min(100, sum(healthy) + sum(degraded));
}

function share(available: Shares, total: number): Shares {
  let left = 100;
  const spread = (availability: readonly number[]): number[] =>
    availability.map((percent) => {
      const load = Math.min(left, Math.floor((percent * 100) / total));
      left -= load;
      return load;
    });
  const healthy = spread(available.healthy);
  const degraded = spread(available.degraded);
  // what rounding left over goes to the first priority that has anything
  const first = available.healthy.findIndex((percent) => percent > 0);
  if (first >= 0) healthy[first] = (healthy[first] as number) + left;
  else {
    const firstDegraded = available.degraded.findIndex((percent) => percent > 0);
    if (firstDegraded >= 0) degraded[firstDegraded] = (degraded[firstDegraded] as number) + left;
  }
  return { healthy, degraded };
}

function inPanic({ total, healthy, degraded }: LevelHealth, threshold: number): boolean {
  const percent = total === 0 ? 0 : (100 * (healthy + degraded)) / total;
  return percent < threshold;
}

function shareByHosts(levels: readonly LevelHealth[]): number[] {
  const hosts = levels.reduce((sum, { total }) => sum + total, 0);
  const load = levels.map(({ total }) => (hosts === 0 ? 0 : Math.floor((100 * total) / hosts)));
  const first = Math.max(
    0,
    levels.findIndex(({ total }) => total > 0),
  );
  if (load.length > 0) load[first] = (load[first] as number) + 100 - load.reduce((a, b) => a + b, 0);
  return load;
}
