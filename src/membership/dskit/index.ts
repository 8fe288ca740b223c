// dskit's rings as they stand in a key-value store (decode.ts, encode.ts) or on Tempo's pages (json.ts), merged over several peers and
// joined to members and partitions (join.ts). Pure: knows no URL and no socket.
export { decodeInstanceRing, decodePartitionRing } from './decode.ts';
export { encodeInstanceRing, encodePartitionRing } from './encode.ts';
export { type JoinedRings, joinRings } from './join.ts';
export { parsePartitionPage, parseRingPage } from './json.ts';
export { MAX_RING_BYTES, MAX_RING_ENTRIES } from './limits.ts';
export { isNewerInstance, isNewerOwner, isNewerPartition, mergeInstanceRings, mergePartitionRings } from './merge-peers.ts';
export { decodeKeyValuePair, type KeyValuePair } from './pair.ts';
export { decodeSnappyBlock, encodeSnappyBlock } from './snappy.ts';
export type { Instance, InstanceRing, Owner, PartitionRing, RingPartition } from './types.ts';
