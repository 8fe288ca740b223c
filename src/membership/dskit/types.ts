// dskit's two rings as plain values: what is left of the protobuf after decoding, whatever form it came in. Tokens are left out: they
// spread writes, and every partition is read.
import type { MemberId, MemberState, PartitionState } from '../types.ts';

/** One entry of the instance ring (ring/ring.proto, InstanceDesc). */
export interface Instance {
  readonly id: MemberId;
  /** `addr`: host:port. */
  readonly address: string;
  readonly zone: string;
  readonly state: MemberState;
  /** `timestamp` as Unix ms. */
  readonly heartbeatMs: number;
  /** `registered_timestamp` as Unix ms; null when 0. */
  readonly registeredMs: number | null;
}

/** The instance ring, tombstones (LEFT) included where its form has them. */
export type InstanceRing = ReadonlyMap<MemberId, Instance>;

/** One entry of the partition ring (ring/partition_ring_desc.proto, PartitionDesc). */
export interface RingPartition {
  readonly id: number;
  readonly state: PartitionState;
  /** `stateTimestamp` as Unix ms. */
  readonly stateMs: number;
}

/** dskit's OwnerState by name (OwnerUnknown 0, OwnerActive 1, OwnerDeleted 2). */
export type OwnerState = 'UNKNOWN' | 'ACTIVE' | 'DELETED';

/** Which partition an instance owns (OwnerDesc); an instance owns one at most. */
export interface Owner {
  readonly id: MemberId;
  readonly partition: number;
  readonly state: OwnerState;
  /** `updatedTimestamp` as Unix ms; 0 from forms that do not tell. */
  readonly updatedMs: number;
}

/** The partition ring, tombstones (DELETED) included where its form has them. */
export interface PartitionRing {
  readonly partitions: ReadonlyMap<number, RingPartition>;
  readonly owners: ReadonlyMap<MemberId, Owner>;
}
