// The sidecar's bootstrap: read and checked as Envoy would (loadBootstrap), or composed from a few flags (inboundBootstrap,
// egressBootstrap) and printed for Envoy (bootstrapYaml). announce/ is what it may say of announcing its member: planAnnouncement.
// Knows Envoy's messages, not what is built from them; binds and connects nothing.
export { advertisedAddress } from './announce/advertise.ts';
export { ANNOUNCE_KEYS, type AnnounceKey, type AnnounceTexts } from './announce/keys.ts';
export { parseAnnounce } from './announce/parse.ts';
export { planAnnouncement } from './announce/plan.ts';
export { egressBootstrap } from './compose/egress.ts';
export { inboundBootstrap } from './compose/inbound.ts';
export { loopReason } from './compose/loop.ts';
export { bootstrapYaml } from './compose/print.ts';
export { BootstrapError } from './read/error.ts';
export { loadBootstrap } from './read/load.ts';
export type { AnnouncePlan, AnnounceSettings, BootstrapOptions, EgressOptions, InboundOptions, LoadedBootstrap } from './types.ts';
