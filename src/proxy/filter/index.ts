// Network filters: what is done with an accepted connection. http_connection_manager with its router, and tcp_proxy.
// Entry: `compileFilters`; the listener hands connections to `NetworkFilter.accept`.
// Must not know listeners, sockets' addresses beyond their text, or how connections to upstreams are made.
export { compileFilters } from './compile.ts';
export type { FilterDeps } from './deps.ts';
export { createRequestIds } from './http/request-ids.ts';
