// Ringway as a library: membership, what control makes of it, and the xDS server. The programs are in `cli`, their composition in `roles`.
export { createSnapshotSource, StageDriver } from './control/index.ts';
export { type Clock, RingwayError, type Service, systemClock, systemRandom } from './core/index.ts';
export { createMemoryBus, createNatsBus } from './membership/bus/index.ts';
export { MembershipHub } from './membership/index.ts';
export { createSources } from './membership/sources/index.ts';
export type * from './membership/types.ts';
export { createLogger, type Logger, MetricRegistry, silentLogger } from './telemetry/index.ts';
export { createXdsServer, type XdsServer, type XdsServerOptions } from './xds/server/index.ts';
export type * from './xds/server/types.ts';
export type * from './xds/types.ts';
