// The sidecar's bootstrap: read and checked as Envoy would (loadBootstrap), or composed from a few flags (inboundBootstrap,
// egressBootstrap) and printed for Envoy (bootstrapYaml). Knows Envoy's messages, not what is built from them; binds and connects nothing.
export { egressBootstrap } from './compose/egress.ts';
export { inboundBootstrap } from './compose/inbound.ts';
export { loopReason } from './compose/loop.ts';
export { bootstrapYaml } from './compose/print.ts';
export { BootstrapError } from './read/error.ts';
export { loadBootstrap } from './read/load.ts';
export type { BootstrapOptions, EgressOptions, InboundOptions, LoadedBootstrap } from './types.ts';
