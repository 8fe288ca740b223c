// Transport sockets: TLS contexts of listeners and clusters as messages, compiled to what `transport` takes; their `ssl.` stats.
// Entry: `compileDownstreamTransport`, `compileUpstreamTransport`. Opens no socket, and knows neither listeners nor clusters.
export type { TlsSources } from './data-source.ts';
export { compileDownstreamTransport } from './downstream.ts';
export { createTlsStats, type TlsStats } from './stats.ts';
export { compileUpstreamTransport, type UpstreamTls } from './upstream.ts';
