// Clusters: which hosts there are, which are fit, which one is next, and how much of them is in use.
// Entry: `createClusterCompiler` (CDS) and `createEndpointCompiler` (EDS); a request asks `Cluster.pick`.
// Must not know routes, requests or connections: pools are handed in.
export type { CircuitBreaker } from './circuit-breaker.ts';
export type { Cluster } from './cluster.ts';
export { createEndpointCompiler } from './compile/endpoints.ts';
export { type ClusterCompilerDeps, createClusterCompiler } from './compile/index.ts';
export type { CreateHostPool, PoolOwner } from './deps.ts';
export type { Host } from './host.ts';
export type { ClusterStats } from './stats.ts';
