import { randomUUID } from 'node:crypto';
import type { Clock, Random } from '../../core/index.ts';
import { FileSinks } from '../../proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler, createEndpointCompiler } from '../../proxy/cluster/index.ts';
import type { Assignment } from '../../proxy/cluster/types.ts';
import { createListenerCompiler, type Listener } from '../../proxy/listener/index.ts';
import { createRouteCompiler } from '../../proxy/route/index.ts';
import type { RouteTable } from '../../proxy/route/types.ts';
import { type BootstrapPlan, Runtime } from '../../proxy/runtime/index.ts';
import type { ClusterPort } from '../../proxy/runtime/types.ts';
import { createHostPools } from '../../proxy/upstream/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import { connect, listen, localAddresses, resolveName } from '../../transport/index.ts';
import { ListenerBook } from './listener-book.ts';
import { refuseLoops } from './loops.ts';

/** The runtime with the compilers of this data plane. */
export type SidecarRuntime = Runtime<Cluster, Assignment, Listener, RouteTable>;

/** What carries requests. */
export interface DataPlane {
  readonly runtime: SidecarRuntime;
  readonly book: ListenerBook;
  readonly accessLogs: FileSinks;
}

export interface DataPlaneDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: MetricRegistry;
  /** How long connections may go on after they were asked to go. */
  readonly drainTimeMs: number;
}

/** Builds the data plane and compiles what is static. Throws RingwayError `CONFIG`. */
export function createDataPlane(plan: BootstrapPlan, deps: DataPlaneDeps): DataPlane {
  const { clock, random, logger, registry, drainTimeMs } = deps;
  const shared = { clock, random, metrics: registry, logger };
  const accessLogs = new FileSinks({ clock, logger });
  const book = new ListenerBook({ drainTimeMs, registry });
  const runtime: SidecarRuntime = new Runtime({
    compilers: {
      cluster: createClusterCompiler({ ...shared, resolveName, createPool: createHostPools({ clock, connect }) }),
      endpoint: createEndpointCompiler(),
      listener: createListenerCompiler({
        ...shared,
        accessLogs,
        connect,
        listen,
        drainTimeMs,
        createRequestId: randomUUID,
        currentConfig: () => runtime.config.value,
      }),
      route: createRouteCompiler(),
    },
    clusters: clusterPort,
    listeners: book,
    cds: plan.cds,
    lds: plan.lds,
    clock,
    registry,
    log: logger,
  });
  runtime.load(plan);
  refuseLoops(runtime.resources(), localAddresses());
  return { runtime, book, accessLogs };
}

const clusterPort: ClusterPort<Cluster, Assignment> = {
  start: (cluster, onChange) => cluster.start(onChange),
  assign: (cluster, assignment) => cluster.applyAssignment(assignment),
  warmth: (cluster) => cluster,
  retire: (cluster, graceMs) => cluster.retire(graceMs),
};
