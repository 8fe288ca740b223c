// The admin interface of the sidecar: Envoy's pages in Envoy's shapes, and /explain.
// Entry: createAdminServer with adminPages. Keeps no state of its own; what it shows and does is handed in by roles.
export type { DumpSource } from './config-dump/dump.ts';
export { type AdminSource, adminPages } from './pages/all.ts';
export { type AdminServer, createAdminServer } from './server.ts';
export { ServerStats } from './server-stats.ts';
