import type { Catalog, Partition, RingName } from '../../membership/types.ts';
import { advanceStage } from '../stage/advance.ts';
import { LINGER } from '../stage/types.ts';
import { type Finding, findingsOf, type LookAgain, type SilentPorts } from './findings.ts';
import { reportMembers } from './member.ts';
import { type RingReport, type RingSummary, reportSources, ringFacts } from './rings.ts';
import { ringText } from './table.ts';

/** What `ringway ring show --json` prints of one ring: the answer of `/api/rings/{ring}`, and more. */
export interface ShownRing extends Omit<RingReport, 'version'> {
  readonly sources: RingSummary['sources'];
  readonly partitions: readonly Partition[];
  readonly findings: readonly Finding[];
}

/** One ring, looked at once: for people, for machines. */
export interface RingDescription {
  readonly text: string;
  readonly json: ShownRing;
}

/** Commands to propose, in the words with which these rings were asked for. */
export interface Proposals {
  /** When nothing is in the way. */
  readonly control: string;
  /** When something is that no command repairs. */
  readonly lookAgain: LookAgain;
}

/**
 * Describes a ring of `catalog`. `silent` is null when nobody tried the ports; without `proposals` no command is proposed. Throws when
 * the catalog has no such ring.
 */
export function describeRing(
  name: RingName,
  catalog: Catalog,
  nowMs: number,
  silent: SilentPorts | null,
  proposals: Proposals | null,
): RingDescription {
  const stage = advanceStage(null, catalog, nowMs, LINGER);
  const facts = ringFacts(name, { catalog, stage, nowMs });
  if (!facts) throw new Error(`no ring ${name} in the catalog`);
  const findings = findingsOf(facts, silent, proposals?.lookAgain ?? (() => ''));
  const next = proposals === null ? '' : nextCommand(findings, proposals);
  return {
    text: ringText(facts, findings, next),
    json: {
      ring: name,
      members: reportMembers(facts),
      sources: reportSources(facts.ring, nowMs),
      partitions: facts.ring.partitions,
      findings,
    },
  };
}

function nextCommand(findings: readonly Finding[], { control, lookAgain }: Proposals): string {
  const otherwise = findings.some(({ level }) => level === 'problem') ? lookAgain([]) : control;
  return findings.find(({ command }) => command !== '')?.command ?? otherwise;
}
