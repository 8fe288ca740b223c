// Several processes for one sidecar (`--concurrency N`): the first has configuration and pages, the others carry requests as it does.
// Entry: WorkerPool in the first process; readToWorker, SeriesReporter and HostReporter in the others. Limits are each process's own.
// Must not know how processes are made or what a data plane is: both are handed in by roles.
export { type Clusters, HostReporter } from './host-report.ts';
export type { FromWorker, HostGauges, InitMessage, OpenPorts, ToWorker, WorkerReport } from './messages.ts';
export { WorkerPool } from './pool.ts';
export { presentState } from './present-state.ts';
export { readToWorker } from './read-message.ts';
export { SeriesReporter } from './series-report.ts';
export { sharedSink } from './shared-sink.ts';
export type { ForkWorker, WorkerProcess } from './worker-slot.ts';
