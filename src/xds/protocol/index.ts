// The xDS protocol without I/O: what a client wants, what it has, what it is to be sent next and when. Entry: AdsSession with a variant,
// SOTW or DELTA. It knows nothing of sockets, of views, or of what resources say (but for the endpoints a cluster names).
// https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
export type { RequestOutcome } from './exchange.ts';
export { AdsSession } from './session.ts';
export { rulesOf } from './type-rules.ts';
export { DELTA, SOTW, type Variant } from './variants.ts';
