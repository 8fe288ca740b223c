import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Clock, type Random, sharedTimers, timeSlices, turnClock } from '../../core/index.ts';
import { FileSinks } from '../../proxy/access-log/index.ts';
import { type Cluster, createClusterCompiler, createEndpointCompiler } from '../../proxy/cluster/index.ts';
import type { Assignment } from '../../proxy/cluster/types.ts';
import { createRequestIds } from '../../proxy/filter/index.ts';
import { createListenerCompiler, type Listener } from '../../proxy/listener/index.ts';
import { createRouteCompiler } from '../../proxy/route/index.ts';
import type { RouteTable } from '../../proxy/route/types.ts';
import { type BootstrapPlan, type Feed, Runtime } from '../../proxy/runtime/index.ts';
import type { ClusterPort } from '../../proxy/runtime/types.ts';
import { createHostPools } from '../../proxy/upstream/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import { connect, localAddresses, resolveName } from '../../transport/index.ts';
import { LateListeners } from './late-listeners.ts';
import { machine, processLimits } from './limits.ts';
import { ListenerBook } from './listener-book.ts';
import { refuseLoops } from './loops.ts';
import { listenAs, type Place } from './place.ts';

/** The runtime with the compilers of this data plane. */
export type SidecarRuntime = Runtime<Cluster, Assignment, Listener, RouteTable>;

/** What of a bootstrap a data plane is made of: what to compile, and what is awaited. */
export interface DataPlanePlan extends Pick<BootstrapPlan, 'clusters' | 'listeners' | 'limits'> {
  readonly cds: Feed | null;
  readonly lds: Feed | null;
}

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
  /** Of the process: where DataSources may find certificates and keys. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long connections may go on after they were asked to go. */
  readonly drainTimeMs: number;
  /** Which process of the sidecar this is. */
  readonly place: Place;
}

/** Builds the data plane and compiles what is static. Throws RingwayError `CONFIG`. */
export function createDataPlane(plan: DataPlanePlan, deps: DataPlaneDeps): DataPlane {
  const { random, logger, registry, drainTimeMs, place, environment } = deps;
  const clock = turnClock(sharedTimers(deps.clock), setImmediate);
  const shared = { clock, random, metrics: registry, logger, tlsSources: { readFile: (path: string) => readFileSync(path), environment } };
  const accessLogs = new FileSinks({ clock, logger, sharesOutputs: place.kind !== 'alone' });
  const limits = processLimits(plan.limits, machine(), registry);
  const book = new ListenerBook({ drainTimeMs, registry });
  const runtime: SidecarRuntime = new Runtime({
    compilers: {
      cluster: createClusterCompiler({ ...shared, resolveName, createPool: createHostPools({ clock, connect, budget: limits.budget }) }),
      endpoint: createEndpointCompiler(),
      listener: createListenerCompiler({
        ...shared,
        ...limits,
        accessLogs,
        connect,
        listen: listenAs(place),
        worker: place.kind === 'beside' ? place.worker : 0,
        drainTimeMs,
        // OpenSSL is loaded with the first request that needs one: 8 MiB
        createRequestId: createRequestIds((octets) => randomFillSync(octets)),
        currentConfig: () => runtime.config.value,
      }),
      route: createRouteCompiler(),
    },
    clusters: clusterPort,
    listeners: place.kind === 'beside' ? new LateListeners(book, place.openPorts, logger) : book,
    cds: plan.cds,
    lds: plan.lds,
    clock,
    // within a turn the data plane's own stands still
    slices: timeSlices(deps.clock),
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
