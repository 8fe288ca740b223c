// HTTP for operators: a server for the pages and JSON that roles hand it, and one for probes alone. Entries: createAdminServer,
// createProbeServer. It knows no page but the list of pages.
export { AdminError } from './admin-error.ts';
export { createProbeServer, type ProbeServer } from './probe-server.ts';
export { type AdminServer, type AdminServerOptions, createAdminServer } from './server.ts';
export type { AdminResponse, AdminRoute } from './types.ts';
