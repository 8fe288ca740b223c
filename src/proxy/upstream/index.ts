// Upstream: connections to hosts, and a request's tries at them.
// Entry: `createHostPools` (what clusters make pools with), `Exchange` (one request), `connectTcp` (one TCP connection).
// Must not know listeners, filters, or how routes are found.
export { createAdsTransport } from './ads-transport.ts';
export { Exchange, type ExchangeDeps } from './exchange.ts';
export { createHostPools } from './pool/host-pool.ts';
export { connectTcp, type TcpUpstream } from './tcp-connector.ts';
