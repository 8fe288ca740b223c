// What a merge is made from.
import type { AddressJudge } from './address-judge.ts';
import type { MembersReport, Ring, RingName } from './types.ts';

/** Where one source stands. */
export interface SourceState {
  readonly name: string;
  /** Its last good report; null before the first. */
  readonly report: MembersReport | null;
  /** Since when it fails, and how; null while it does not. */
  readonly failure: { readonly sinceMs: number; readonly error: string } | null;
}

/** What the operator decided for one ring. */
export interface MergePolicy {
  readonly judge: AddressJudge;
  readonly heartbeatTimeoutMs: number;
  readonly staleAfterMs: number;
  readonly allowEmpty: boolean;
}

export interface MergeInput {
  readonly name: RingName;
  /** In order of precedence. */
  readonly sources: readonly SourceState[];
  readonly policy: MergePolicy;
  readonly nowMs: number;
  /** The ring as merged before; null the first time. */
  readonly previous: Ring | null;
}

/** What the parts of a merge look at beside what they work on. */
export interface MergeMoment {
  readonly nowMs: number;
  /** At what time heartbeats are judged, by name of source: now, or when a source that fails last worked. */
  readonly judgedAtMs: ReadonlyMap<string, number>;
  readonly policy: MergePolicy;
}
