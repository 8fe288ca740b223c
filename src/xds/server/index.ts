// The xDS server: ADS over gRPC for whatever a SnapshotSource says. Entry: createXdsServer. It knows nothing of rings.
export type { XdsServerOptions } from './options.ts';
export { createXdsServer, type XdsServer } from './server.ts';
