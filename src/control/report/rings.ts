import type { Catalog, Ring } from '../../membership/types.ts';
import { type Conflicts, findConflicts } from '../stage/claims.ts';
import type { Stage } from '../stage/types.ts';
import { type MemberReport, type RingFacts, reportMembers } from './member.ts';

/** A summary stays one: of a hundred refused members the first say what is wrong. */
const MAX_WARNINGS = 20;

/** How one source stands, in `/api/rings`. */
export interface SourceReportJson {
  readonly name: string;
  readonly ok: boolean;
  /** Age of its last good report; null before the first. */
  readonly ageMs: number | null;
  readonly error?: string;
}

/** One ring in `GET /api/rings`. */
export interface RingSummary {
  readonly ring: string;
  /** The catalog's version. */
  readonly version: number;
  readonly members: number;
  readonly sources: readonly SourceReportJson[];
  /** What is wrong with what sources say, a line each: refused addresses, members of this very machine, a ring held back. At most 20. */
  readonly warnings: readonly string[];
}

/** The answer to `GET /api/rings/{ring}`. */
export interface RingReport {
  readonly ring: string;
  readonly version: number;
  readonly members: readonly MemberReport[];
  readonly sources: readonly SourceReportJson[];
}

/** What control knows at one moment. */
export interface ControlFacts {
  readonly catalog: Catalog;
  readonly stage: Stage;
  readonly nowMs: number;
}

/** `GET /api/rings`. */
export function reportRings({ catalog, nowMs }: ControlFacts): { readonly rings: readonly RingSummary[] } {
  const conflicts = findConflicts(catalog);
  const rings = [...catalog.rings.values()].map((ring) => ({
    ring: ring.name,
    version: catalog.version,
    members: ring.members.length,
    sources: reportSources(ring, nowMs),
    warnings: warningsOf(ring, conflicts),
  }));
  return { rings };
}

/** `GET /api/rings/{ring}`; undefined when there is no such ring. */
export function reportRing(name: string, facts: ControlFacts): RingReport | undefined {
  const found = ringFacts(name, facts);
  if (!found) return undefined;
  return { ring: name, version: facts.catalog.version, members: reportMembers(found), sources: reportSources(found.ring, facts.nowMs) };
}

/** One ring's part of the facts; undefined when there is no such ring. */
export function ringFacts(name: string, { catalog, stage: { rings }, nowMs }: ControlFacts): RingFacts | undefined {
  const ring = catalog.rings.get(name);
  const stage = rings.get(name);
  const staged = new Map(stage?.members.map((member) => [member.id, member]));
  return ring && { ring, stage, staged, conflicts: findConflicts(catalog), nowMs };
}

export function reportSources(ring: Ring, nowMs: number): readonly SourceReportJson[] {
  return ring.sources.map(({ name, ok, asOfMs, error }) => ({
    name,
    ok,
    ageMs: asOfMs === null ? null : nowMs - asOfMs,
    ...(error === null ? {} : { error }),
  }));
}

function warningsOf({ name, members, emptyGuard }: Ring, conflicts: Conflicts): readonly string[] {
  const guard = emptyGuard ? ['the sources say that the ring is empty; that is not believed'] : [];
  const odd = members.flatMap(({ id, refused, warning, spared }) => {
    const why = refused ?? conflicts.get(name)?.get(id) ?? warning ?? spared;
    return why === null ? [] : [`${id}: ${why}`];
  });
  const all = [...guard, ...odd];
  return all.length <= MAX_WARNINGS ? all : [...all.slice(0, MAX_WARNINGS - 1), `and ${all.length - MAX_WARNINGS + 1} more`];
}
