// Who is in which ring. types.ts holds the model and the contracts; merge.ts (pure) makes one ring of many opinions; hub.ts reads all
// sources and publishes the catalog: begin with MembershipHub. Knows no Envoy message, no xDS, and no kind of source (sources/ does).
export { createAddressJudge } from './address-judge.ts';
export { createAddressPolicy } from './address-policy.ts';
export { addressKey } from './advertised-address.ts';
export { diffRings, type RingDiff } from './diff.ts';
export { MembershipHub } from './hub.ts';
export { isSameContent } from './keep.ts';
export { mergeRing, nextMergeMs } from './merge.ts';
export type { MergeInput, MergePolicy, SourceState } from './merge-input.ts';
export type { OwnAddresses } from './own-addresses.ts';
export { partitionOfId } from './partition-of-id.ts';
export type { RingInput } from './ring-watch.ts';
