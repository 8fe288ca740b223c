// dskit's rings as they stand in a key-value store (bytes.ts) or on Tempo's pages (json.ts), merged over several peers and joined to
// members and partitions (join.ts). Pure: knows no URL and no socket.
export { decodeInstanceRing, decodePartitionRing, encodeInstanceRing, encodePartitionRing } from './bytes.ts';
export { joinRings } from './join.ts';
export { parsePartitionPage, parseRingPage } from './json.ts';
export { mergeInstanceRings, mergePartitionRings } from './merge-peers.ts';
export { decodeSnappyBlock, encodeSnappyBlock, MAX_RING_BYTES } from './snappy.ts';
export type { Instance, InstanceRing, Owner, PartitionRing, RingPartition } from './types.ts';
