// What clients may still need to know of a ring, beyond what the catalog says at this moment.
import type { MemberId, RingName } from '../../membership/types.ts';

/** An authority that leads to a member: its address, or one it had. `untilMs` is null while the ring itself says so. */
export interface Domain {
  readonly address: string;
  readonly untilMs: number | null;
}

/**
 * How far a member has gone. `present`: the ring has it. `leaving`: the ring has it no more, its endpoint is DRAINING, and calls to its
 * authorities go to the partition's other owners. `unrouted`: no route leads to it; its cluster stays for the requests that still run.
 */
type Phase = { readonly kind: 'present' } | { readonly kind: 'leaving' } | { readonly kind: 'unrouted'; readonly untilMs: number };

/** An owner of a partition, as far as standing in for one another goes. */
export interface Owner {
  readonly id: MemberId;
  /** '' when the ring names none. */
  readonly zone: string;
  readonly partition: number | null;
}

/** One member that has a cluster. */
export interface StagedMember extends Owner {
  /** Where its endpoint is: host:port, as last advertised. */
  readonly address: string;
  /** Would a querier ask it? As membership judges; false of those who are not present. */
  readonly healthy: boolean;
  /** Never empty unless `unrouted`. */
  readonly domains: readonly Domain[];
  readonly phase: Phase;
}

/** One ring. Members sorted by id; a member that is as before is the same object as before. */
export interface RingStage {
  readonly name: RingName;
  readonly members: readonly StagedMember[];
  /** Members of the ring that get no route (address refused), which are owners all the same. */
  readonly refused: readonly Owner[];
}

/** Every ring that has been read at least once, and had members or may be empty. A ring whose content is as before is the same object as before. */
export interface Stage {
  readonly rings: ReadonlyMap<RingName, RingStage>;
  /** When this stage changes though the catalog does not, Unix ms; null when it never will. */
  readonly nextMs: number | null;
}

/** How long things stay after their member has left. */
export interface LingerTimings {
  /** How long calls to an authority that left are still taken, ms. Queriers' own view of the ring lags by up to 25 s. */
  readonly routeMs: number;
  /** How long a cluster outlives its route, ms: removing one in use fails its requests (Envoy). */
  readonly clusterMs: number;
}

export const LINGER: LingerTimings = { routeMs: 60_000, clusterMs: 30_000 };
