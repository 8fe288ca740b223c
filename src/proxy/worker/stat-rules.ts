/** Trees that tell of configuration and of the process: the first process's are the sidecar's. */
const OF_FIRST_PROCESS = ['server.', 'cluster_manager.', 'listener_manager.', 'control_plane.', 'runtime.'];
/** The same inside of trees whose other series are summed: every process has the same hosts and gets the same updates. */
const LEAVES_OF_FIRST_PROCESS = ['membership_', 'update_', 'init_fetch_timeout'];

/** Whether a series of Envoy's dotted name counts in every process on its own, so that the sidecar's figure is made of all of them. */
export function isShared(stat: string): boolean {
  if (OF_FIRST_PROCESS.some((tree) => stat.startsWith(tree))) return false;
  const leaf = stat.slice(stat.lastIndexOf('.') + 1);
  return !LEAVES_OF_FIRST_PROCESS.some((start) => leaf.startsWith(start));
}

/** How gauges of several processes become one: "is it open anywhere" and "how many are out" are the most of them, the rest their sum. */
export function combineGauges(stat: string, one: number, other: number): number {
  const isMost = stat.endsWith('_open') || stat.endsWith('.ejections_active');
  return isMost ? Math.max(one, other) : one + other;
}
