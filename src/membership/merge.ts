// From what each source says of a ring to the ring: pure. How fields are decided stands at mergeMember (opinions.ts), who is left out here.
import { refuseDuplicates } from './claims.ts';
import { withDisagreements } from './disagreements.ts';
import { asBefore } from './keep.ts';
import { spareLastOwners } from './last-owners.ts';
import type { MergeInput, MergeMoment, SourceState } from './merge-input.ts';
import { mergePartitions } from './merge-partitions.ts';
import { mergeOpinions } from './opinions.ts';
import { expiriesOf, statusesOf } from './source-status.ts';
import type { Ring } from './types.ts';

/**
 * Merges by member id. Left out: reports of sources that have expired, members that are LEFT, DELETED partitions.
 * An address that two members claim stays with the newer registration. That a ring is empty is not believed (`emptyGuard`) unless the
 * operator allows it and every source says so itself: a ring that had members keeps them. What is as in `previous` is the same object.
 */
export function mergeRing(input: MergeInput): Ring {
  const { name, sources, policy, nowMs, previous } = input;
  const statuses = statusesOf(sources, policy, nowMs);
  const usable = sources.filter((_, i) => !statuses[i]?.expired);
  const moment: MergeMoment = { nowMs, policy, judgedAtMs: new Map(usable.map((source) => [source.name, judgedAtMs(source, nowMs)])) };
  const present = mergeOpinions(usable, previous?.members ?? [], moment);
  const mayBeEmpty = policy.allowEmpty && sources.every(({ report, failure }) => report !== null && failure === null);
  const last = previous !== null && previous.members.length > 0 ? previous : null;
  const emptyGuard = present.length === 0 && !mayBeEmpty && (last !== null || haveSpoken(sources));
  if (emptyGuard && last !== null) return asBefore({ ...last, sources: statuses, emptyGuard }, previous, nowMs);
  const { members: claimed, holders } = refuseDuplicates(present, policy.judge);
  const reports = usable.flatMap(({ report }) => report ?? []);
  const { members: owning, partitions } = mergePartitions(claimed, reports);
  const asked = spareLastOwners(owning, moment);
  const working = statuses.filter(({ ok }) => ok).map((status) => status.name);
  const members = usable.length < 2 && holders.size === 0 ? asked : withDisagreements(asked, working, holders, policy);
  return asBefore({ name, members, partitions, sources: statuses, emptyGuard }, previous, nowMs);
}

/** While a source fails, its heartbeats are as old as they were when it last worked. */
function judgedAtMs({ report, failure }: SourceState, nowMs: number): number {
  return failure === null || report === null ? nowMs : Math.min(nowMs, report.asOfMs);
}

/** All of them, one of them well. */
function haveSpoken(sources: readonly SourceState[]): boolean {
  return sources.some(({ report }) => report !== null) && sources.every(({ report, failure }) => report !== null || failure !== null);
}

/** When the merge of the same input gives another ring though no source says anything, Unix ms; null when it never does. */
export function nextMergeMs({ sources, policy, nowMs }: MergeInput, merged: Ring): number | null {
  let nextMs = Number.POSITIVE_INFINITY;
  const consider = (momentMs: number): void => {
    if (momentMs > nowMs && momentMs < nextMs) nextMs = momentMs;
  };
  for (const expiryMs of expiriesOf(sources, policy)) consider(expiryMs);
  const failing = new Set(sources.filter(({ failure }) => failure !== null).map(({ name }) => name));
  for (const { heartbeatMs, unhealthy, spared, decidedBy, opinions } of merged.emptyGuard ? [] : merged.members) {
    if (heartbeatMs === null || unhealthy !== null || failing.has(decidedBy)) continue;
    consider(heartbeatMs + policy.heartbeatTimeoutMs + 1);
    if (spared === null) continue;
    const said = opinions.find(({ source }) => source === decidedBy)?.member.heartbeatMs ?? heartbeatMs;
    consider(said + policy.heartbeatTimeoutMs + 1);
  }
  return Number.isFinite(nextMs) ? nextMs : null;
}
