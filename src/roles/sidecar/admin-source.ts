import { type Clock, type Random, timeSlices } from '../../core/index.ts';
import { type AdminSource, ServerStats } from '../../proxy/admin/index.ts';
import type { LogControls, ServerControls } from '../../proxy/admin/types.ts';
import type { Cluster } from '../../proxy/cluster/index.ts';
import type { BootstrapPlan } from '../../proxy/runtime/index.ts';
import type { HostGauges, WorkerPool } from '../../proxy/worker/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { DataPlane } from './data-plane.ts';
import type { Feeds } from './feeds.ts';
import type { Lifecycle } from './lifecycle.ts';

/** What the admin pages show and do. */
export interface AdminParts {
  readonly version: string;
  readonly commandLine: Readonly<Record<string, unknown>>;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly levels: LogControls;
  readonly registry: MetricRegistry;
  readonly plan: BootstrapPlan;
  readonly plane: DataPlane;
  readonly feeds: Feeds;
  readonly lifecycle: Lifecycle;
  readonly quit: AbortController;
  /** null: this process is the only one. */
  readonly workers: WorkerPool | null;
}

/** What the admin pages show of a sidecar and do to it, all its processes together. */
export function adminSource(parts: AdminParts): AdminSource {
  const { version, commandLine, clock, random, registry, plan, feeds, lifecycle, workers } = parts;
  const { runtime, book } = parts.plane;
  const startedMs = clock.nowMs();
  const shared = { clock, state: () => lifecycle.state, memory: () => memoryOf(workers) };
  const connections = (): number => book.connections + (workers?.connections ?? 0);
  const stats = new ServerStats({ ...shared, registry, startedMs, connections, concurrency: parts.concurrency });
  runtime.phase.subscribe((phase) => {
    if (phase !== 'live') return;
    stats.initialized();
    parts.logger.info('sidecar.live', { ms: clock.nowMs() - startedMs }, 'all that was there at the start serves');
  });
  return {
    ...shared,
    random,
    slices: timeSlices(clock),
    info: { version: `ringway/${version}`, startedMs, commandLine, node: plan.json.node },
    controls: controlsOf(parts),
    logs: levelsOf(parts),
    dump: { bootstrap: plan.json.bootstrap, bootstrapAtMs: startedMs, resources: () => runtime.resources() },
    routes: () => [...runtime.config.value.routes.values()],
    series: () => (workers ?? registry).seriesInSteps(),
    async refreshStats() {
      await workers?.refresh();
      stats.refresh();
    },
    textStats: () => new Map([['control_plane.identifier', feeds.identifier()]]),
    clusters: () =>
      runtime.resources().clusters.flatMap(({ name, active, origin }) => {
        const elsewhere = (address: string): HostGauges => workers?.elsewhere(name, address) ?? NOTHING;
        return active ? [{ cluster: active.compiled as Cluster, isAddedViaApi: origin === 'dynamic', elsewhere }] : [];
      }),
    listeners: () => book.views(),
    waiting: () => runtime.waiting(),
  };
}

const NOTHING: HostGauges = { cxActive: 0, rqActive: 0, rqPendingActive: 0, isEjected: false };

function controlsOf({ quit, lifecycle, plane: { book }, workers }: AdminParts): ServerControls {
  return {
    quit: () => quit.abort(),
    failHealthcheck(isFailed) {
      lifecycle.fail(isFailed);
      if (!isFailed) return;
      book.drainConnections();
      workers?.tell({ kind: 'drain-connections' });
    },
    drainListeners(request) {
      book.drainListeners(request);
      workers?.tell({ kind: 'drain-listeners', ...request });
    },
  };
}

function levelsOf({ levels, workers }: AdminParts): LogControls {
  return {
    level: () => levels.level(),
    setLevel(level) {
      levels.setLevel(level);
      workers?.tell({ kind: 'log-level', level });
    },
  };
}

function memoryOf(workers: WorkerPool | null): ReturnType<WorkerPool['memory']> {
  const own = process.memoryUsage();
  return workers?.memory(own) ?? own;
}
