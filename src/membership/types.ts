// The model and the contracts of membership. Plain immutable values; no Envoy message, no socket.
import type { ReadonlyObservable, RingwayError } from '../core/index.ts';

/** A named set of members, e.g. `live-store`. */
export type RingName = string;
/** The id under which a member stands in the ring (Tempo: instance id), e.g. `live-store-zone-a-0`. */
export type MemberId = string;

/** dskit's InstanceState by name (ring/ring.proto: ACTIVE 0, LEAVING 1, PENDING 2, JOINING 3, LEFT 4). */
export type MemberState = 'ACTIVE' | 'LEAVING' | 'PENDING' | 'JOINING' | 'LEFT';

/** dskit's PartitionState by name (ring/partition_ring_desc.proto: Unknown 0, Pending 1, Active 2, Inactive 3, Deleted 4). */
export type PartitionState = 'UNKNOWN' | 'PENDING' | 'ACTIVE' | 'INACTIVE' | 'DELETED';

/** One instance in a ring, as one source or the merged catalog sees it. */
export interface Member {
  readonly id: MemberId;
  /** What the ring says and queriers dial: host:port. With Tempo's `instance_port` it is the sidecar's. */
  readonly address: string;
  /** '' when the ring names none. */
  readonly zone: string;
  /** The partition it owns; null without one (no partition ring, or not an owner). */
  readonly partition: number | null;
  readonly state: MemberState;
  /** Unix ms of the last heartbeat; null from sources that have none (static, DNS, Kubernetes): those never go stale by age. */
  readonly heartbeatMs: number | null;
  /** Unix ms of registration; null when unknown. */
  readonly registeredMs: number | null;
}

/** A slice of data. Every state but DELETED is read by queriers, PENDING and INACTIVE included. */
export interface Partition {
  readonly id: number;
  readonly state: PartitionState;
  /** Ids of its owners, sorted. From a source, owners without an instance too; in a merged ring exactly the members that name it. */
  readonly owners: readonly MemberId[];
}

/** A failed read: what went wrong in one line. The source goes on trying. */
type SourceError = RingwayError;

/** What a source says of one ring. */
export type SourceReport =
  | {
      readonly kind: 'members';
      readonly ring: RingName;
      readonly members: readonly Member[];
      /** Empty from sources that know no partitions. */
      readonly partitions: readonly Partition[];
      /** When this was true, Unix ms. */
      readonly asOfMs: number;
      /** What went wrong without losing the whole (one of several peers does not answer), in one line. */
      readonly warning?: string;
    }
  | { readonly kind: 'failed'; readonly error: SourceError };

/** A good report. */
export type MembersReport = Extract<SourceReport, { readonly kind: 'members' }>;

/**
 * One source's present opinion of one ring. Each `members` report is the full set; never a delta. `watch` yields the first report
 * as soon as it has one (a failure counts), then one whenever there is news: another content, a failed read, a newer `asOfMs`. It
 * ends only when `signal` aborts, and never throws. Ids are unique within a report; LEFT members and DELETED partitions are in it.
 */
export interface MembershipSource {
  /** Unique within its ring. */
  readonly name: string;
  watch(signal: AbortSignal): AsyncIterable<SourceReport>;
  /** Reads again at once (SIGHUP); only on sources that wait for changes. Does nothing while nobody watches. */
  reload?(): void;
}

/** What a member says of itself when it joins. */
export type Announcement = Pick<Member, 'id' | 'address' | 'zone' | 'partition' | 'state'>;

/** A member's hold on its place in a ring, from `join` to `leave`. */
export interface Lease {
  readonly id: MemberId;
  /** Aborts, with a RingwayError `LEASE_LOST` as its reason, when another process has taken the place: a restarted pod, a copied name. */
  readonly lost: AbortSignal;
}

/** Who is on a bus. The full set each time. */
export type BusEvent =
  | { readonly kind: 'members'; readonly members: readonly Member[]; readonly asOfMs: number; readonly warning?: string }
  | { readonly kind: 'failed'; readonly error: RingwayError };

/**
 * Where the members of one ring announce themselves: NATS, or in-process. Every call ends by itself, within seconds: it rejects with
 * RingwayError `BUS_UNAVAILABLE` (try again), `BUS_REFUSED` (may not: the login lacks the right, or the announcement is no good) or
 * `LEASE_LOST`. Calls on one lease take effect in the order they were made. Nothing is written after `leave`.
 */
export interface MembershipBus {
  /** Whether the other side can be reached now. Heartbeat at once when it becomes true: readers wait for that before they judge ages. */
  readonly connected: ReadonlyObservable<boolean>;
  /** Takes the place of the id, from an earlier process too: the newest registration keeps it. */
  join(member: Announcement): Promise<Lease>;
  /** Counts as a heartbeat. */
  setState(lease: Lease, state: MemberState): Promise<void>;
  /** Writes the member anew when the bus no longer has it: it was silent for too long, or the bus has lost its memory. */
  heartbeat(lease: Lease): Promise<void>;
  /**
   * Removes the member; a second time, or when it is gone already, does nothing. From the first call on, the lease's other calls reject with `LEASE_LOST`;
   * when it rejects with `BUS_UNAVAILABLE` the member may still be there: call it again. A lost lease removes nothing.
   */
  leave(lease: Lease): Promise<void>;
  /** As MembershipSource.watch: the first event as soon as there is one, then one whenever there is news, until `signal` aborts; never throws. */
  watch(signal: AbortSignal): AsyncIterable<BusEvent>;
  /** Lets go of connections; leases are left as they are. Further calls reject with `BUS_UNAVAILABLE`, watches end. */
  close(): Promise<void>;
}

/** How one source stands towards one ring. */
export interface SourceStatus {
  readonly name: string;
  readonly ok: boolean;
  /** Unix ms of its last good report; null before the first. */
  readonly asOfMs: number | null;
  /** What failed, in one line; with `ok` a warning. Null when all is well, and before its first report. */
  readonly error: string | null;
  /**
   * True when it has failed for too long: the ring goes on without it, its last report, if any, included. That is `staleAfter`; half a
   * minute for one that was never read, when one of higher precedence has read the ring itself.
   */
  readonly expired: boolean;
}

/** What one source says of one member. */
export interface Opinion {
  /** Name of the source. */
  readonly source: string;
  /** As it reported it. */
  readonly member: Member;
  /**
   * Its heartbeat, Unix ms, by the clock of this machine: one from the future was heard when it was first reported, so that it ages as
   * others do. Null without heartbeats.
   */
  readonly heardMs: number | null;
}

/**
 * What a source can be at odds with the merged ring about. `state`, `address`, `zone`, `partition`: it says another one. `heartbeat`: its
 * newest is older than the ring's by more than the timeout. `missing`: it does not list the member. `address_claimed_twice`: the address
 * it says is another member's.
 */
export type DisagreementReason = 'state' | 'heartbeat' | 'address' | 'zone' | 'partition' | 'missing' | 'address_claimed_twice';

/**
 * A source that works says something else than the merged ring. A source that does not know a thing (no zone, no partition, no heartbeat;
 * ACTIVE without a heartbeat says no more than that a member is there) is not at odds about it.
 */
export interface Disagreement {
  readonly reason: DisagreementReason;
  /** Name of the source. */
  readonly source: string;
  /** Null with `missing`. */
  readonly says: string | null;
  /** What the merged ring says; null with `missing`; with `address_claimed_twice` the id of the member that keeps the address. */
  readonly ring: string | null;
}

/** A member as merged from all sources, with the opinion of each. */
export interface MergedMember extends Member {
  /** What each source says that knows it, in order of precedence. Never empty. */
  readonly opinions: readonly Opinion[];
  /** Which source decided state and heartbeat. */
  readonly decidedBy: string;
  readonly disagreements: readonly Disagreement[];
  /** Why its address is refused (allowedAddresses, unspecified, claimed by an older member, …); null when it is routable. */
  readonly refused: string | null;
  /** What is odd about its address although it is routable (the address is this machine's own); null when nothing is. */
  readonly warning: string | null;
  /**
   * Why a querier would not ask it (its state, its heartbeat's age); null when it would. Judged by the merge and kept up to date by
   * it: readers take this, not the clock. While the source that decided fails, heartbeats are as old as they were at its last report.
   */
  readonly unhealthy: string | null;
  /** Why it is asked although it is JOINING: it is among the last owners of its partition. Null where that is not so; else `unhealthy` is null. */
  readonly spared: string | null;
  /** Unix ms since when state, address, refusal and health are what they are. */
  readonly sinceMs: number;
}

/** One ring as merged at one moment. Members sorted by id, partitions by number. */
export interface Ring {
  readonly name: RingName;
  readonly members: readonly MergedMember[];
  readonly partitions: readonly Partition[];
  readonly sources: readonly SourceStatus[];
  /**
   * True while sources say that the ring is empty and that is not believed: the last members are kept, if it ever had any
   * (`ringway_ring_empty_guard`).
   */
  readonly emptyGuard: boolean;
}

/**
 * All rings, merged, at one moment. Immutable; what is as before is the same object as before. `version` grows by one for each change of
 * content; newer heartbeats, `asOfMs`, error texts and `decidedBy` are not content: a catalog that differs only in those has the version
 * of the one before.
 */
export interface Catalog {
  readonly version: number;
  readonly rings: ReadonlyMap<RingName, Ring>;
}
