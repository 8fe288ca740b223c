// dskit's enums: numbers on the wire, names with us. The place of a name is its number.
import type { MemberState, PartitionState } from '../types.ts';
import type { OwnerState } from './types.ts';

/** InstanceState (ring/ring.proto). */
export const INSTANCE_STATES: readonly MemberState[] = ['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT'];

/** PartitionState (ring/partition_ring_desc.proto). */
export const PARTITION_STATES: readonly PartitionState[] = ['UNKNOWN', 'PENDING', 'ACTIVE', 'INACTIVE', 'DELETED'];

/** OwnerState (ring/partition_ring_desc.proto). */
export const OWNER_STATES: readonly OwnerState[] = ['UNKNOWN', 'ACTIVE', 'DELETED'];
