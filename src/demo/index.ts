// What `ringway up` shows: sample live-stores, the sample rings they stand in, a sample querier, the live table, and the supervisor that
// keeps all processes running. Begin with live-store/live-store.ts. It knows no xDS and no Envoy message.
export { type LiveStoreOptions, SampleLiveStore } from './live-store/live-store.ts';
export { type QuerierOptions, type QuerierReport, SampleQuerier } from './querier/querier.ts';
export { type DistributorOptions, SampleDistributor } from './ring/distributor.ts';
export type { Holding } from './sample-data.ts';
export type { ChildSpec } from './supervisor/child.ts';
export { type ChildState, type ChildStatus, Supervisor } from './supervisor/supervisor.ts';
