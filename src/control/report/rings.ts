import type { Catalog, Ring } from '../../membership/types.ts';
import { findConflicts } from '../stage/claims.ts';
import type { Stage } from '../stage/types.ts';
import { type MemberReport, type RingFacts, reportMembers } from './member.ts';

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
}

/** The answer to `GET /api/rings/{ring}`. */
export interface RingReport {
  readonly ring: string;
  readonly version: number;
  readonly members: readonly MemberReport[];
}

/** What control knows at one moment. */
export interface ControlFacts {
  readonly catalog: Catalog;
  readonly stage: Stage;
  readonly nowMs: number;
}

/** `GET /api/rings`. */
export function reportRings({ catalog, nowMs }: ControlFacts): { readonly rings: readonly RingSummary[] } {
  const rings = [...catalog.rings.values()].map((ring) => ({
    ring: ring.name,
    version: catalog.version,
    members: ring.members.length,
    sources: reportSources(ring, nowMs),
  }));
  return { rings };
}

/** `GET /api/rings/{ring}`; undefined when there is no such ring. */
export function reportRing(name: string, facts: ControlFacts): RingReport | undefined {
  const found = ringFacts(name, facts);
  return found && { ring: name, version: facts.catalog.version, members: reportMembers(found) };
}

/** One ring's part of the facts; undefined when there is no such ring. */
export function ringFacts(name: string, { catalog, stage, nowMs }: ControlFacts): RingFacts | undefined {
  const ring = catalog.rings.get(name);
  return ring && { ring, stage: stage.rings.get(name), conflicts: findConflicts(catalog), nowMs };
}

export function reportSources(ring: Ring, nowMs: number): readonly SourceReportJson[] {
  return ring.sources.map(({ name, ok, asOfMs, error }) => ({
    name,
    ok,
    ageMs: asOfMs === null ? null : nowMs - asOfMs,
    ...(error === null ? {} : { error }),
  }));
}
