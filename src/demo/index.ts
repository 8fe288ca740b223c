// What `ringway up` shows: sample live-stores, the sample rings they stand in, a sample querier, the live table, and the supervisor that
// keeps all processes running. Begin with installation.ts. It knows no xDS and no Envoy message.
export { isReady, readRingMembers } from './display/control-reader.ts';
export { createDisplay, type Display, type Screen } from './display/display.ts';
export type { Picture } from './display/picture.ts';
export { assertFree } from './free-ports.ts';
export { listenersOf, MAX_PORT_OFFSET, planInstallation } from './installation.ts';
export { type LiveStoreOptions, SampleLiveStore } from './live-store/live-store.ts';
export { printBootstrap } from './print-bootstrap.ts';
export { controlRing } from './querier/control-ring.ts';
export { type QuerierOptions, type QuerierReport, readReport, SampleQuerier } from './querier/querier.ts';
export { readReplicationSets } from './querier/ring-reader.ts';
export { SampleDistributor } from './ring/distributor.ts';
export type { ChildSpec } from './supervisor/child.ts';
export { Supervisor } from './supervisor/supervisor.ts';
export { controlChild, egressChild, type PlannedChild, plannedChildren, sampleConfig } from './up-children.ts';
