// Catalog → stage → views → snapshots: which Envoy resources say what the catalog says. Begin with createSnapshotSource (what clients
// get) and StageDriver (who is leaving since when); report/ says the same to people. Opens no socket, reads no file.
export { controlRoutes } from './admin-routes.ts';
export { changeText, type RingChange, ringChanges } from './report/changes.ts';
export { compareSources, comparisonText, type RingComparison, type Side } from './report/comparison.ts';
export type { SilentPorts } from './report/findings.ts';
export { readinessOf } from './report/readiness.ts';
export { describeRing, type Proposals, type ShownRing } from './report/show.ts';
export { createSnapshotSource } from './source.ts';
export { StageDriver } from './stage/driver.ts';
