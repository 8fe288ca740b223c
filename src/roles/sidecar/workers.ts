import type { Clock, Random } from '../../core/index.ts';
import type { LogControls } from '../../proxy/admin/types.ts';
import type { BootstrapPlan } from '../../proxy/runtime/index.ts';
import { type ForkWorker, presentState, WorkerPool } from '../../proxy/worker/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { DataPlane } from './data-plane.ts';

export interface WorkersDeps {
  /** Processes of the sidecar, the first among them. */
  readonly concurrency: number;
  readonly drainTimeMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly levels: LogControls;
  readonly forkWorker: ForkWorker;
  readonly registry: MetricRegistry;
}

/** The other processes of a sidecar whose first one has this data plane. Nothing is started. */
export function createWorkers(plan: BootstrapPlan, { runtime, book }: DataPlane, deps: WorkersDeps): WorkerPool {
  const { concurrency, drainTimeMs, clock, random, logger, levels, forkWorker, registry } = deps;
  const { clusters, listeners, limits, cds, lds } = plan;
  return new WorkerPool({
    size: concurrency - 1,
    fork: forkWorker,
    init: (worker) => ({ kind: 'init', worker, drainTimeMs, logLevel: levels.level(), plan: { clusters, listeners, limits, cds, lds } }),
    begin: () => ({
      kind: 'start',
      logLevel: levels.level(),
      openPorts: book.openPorts(),
      updates: presentState(runtime.resources(), runtime.phase.value),
    }),
    openPorts: () => book.openPorts(),
    clusters: () => runtime.config.value.clusters,
    drainTimeMs,
    clock,
    random,
    log: logger,
    registry,
  });
}
