import { createAddressJudge, type MergeInput, type MergePolicy, type SourceState } from '../../src/membership/index.ts';
import type { Member, Partition } from '../../src/membership/types.ts';

/** The moment of these tests, Unix ms. */
export const NOW_MS = 1_795_260_970_000;

/** A member as a source reports it: healthy, registered an hour ago. */
export function reported(id: string, fields: Partial<Member> = {}): Member {
  return {
    id,
    address: `${id}.stores.example:9096`,
    zone: 'zone-a',
    partition: 0,
    state: 'ACTIVE',
    heartbeatMs: NOW_MS - 3000,
    registeredMs: NOW_MS - 3_600_000,
    ...fields,
  };
}

/** A source that works. */
export function speaking(name: string, members: readonly Member[], partitions: readonly Partition[] = []): SourceState {
  return { name, report: { kind: 'members', ring: 'live-store', members, partitions, asOfMs: NOW_MS }, failure: null };
}

/** A source that reported at `sinceMs` and has failed since. */
export function failing(name: string, members: readonly Member[], sinceMs: number): SourceState {
  const report = { kind: 'members' as const, ring: 'live-store', members, partitions: [], asOfMs: sinceMs };
  return { name, report, failure: { sinceMs, error: `${name} is down` } };
}

export const POLICY: MergePolicy = {
  judge: createAddressJudge(null, { machine: [], listeners: [] }),
  heartbeatTimeoutMs: 60_000,
  staleAfterMs: 600_000,
  allowEmpty: false,
};

/** What to merge; nothing was merged before unless `fields` says so. */
export function mergeInput(sources: readonly SourceState[], fields: Partial<MergeInput> = {}): MergeInput {
  return { name: 'live-store', sources, policy: POLICY, nowMs: NOW_MS, previous: null, ...fields };
}
