// Who is in which ring. types.ts holds the model and the contracts; merge.ts (pure) makes one ring of many opinions; hub.ts reads all
// sources and publishes the catalog: begin with MembershipHub. Knows no Envoy message, no xDS, and no kind of source (sources/ does).
export { addressKey, createAddressPolicy } from './address-policy.ts';
export { diffRings, isSameContent } from './diff.ts';
export { MembershipHub } from './hub.ts';
export { type MergeInput, type MergePolicy, mergeRing, nextMergeMs, type SourceState } from './merge.ts';
export type { RingInput } from './ring-watch.ts';
