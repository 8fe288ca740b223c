import { type Picture, totals, troubles } from './picture.ts';

const HEADINGS = ['MEMBER', 'ZONE', 'PARTITION', 'STATE', 'REQUESTS', 'ERRORS', 'P99'] as const;
/** Columns of figures are right-aligned. */
const FIGURES: ReadonlySet<number> = new Set([4, 5, 6]);

/** The live table: one line a member, then what is wrong. Lines are at most `columns` wide. */
export function tableLines(picture: Picture, columns: number): string[] {
  const rows = (picture.ring ?? []).map((member) => {
    const calls = picture.querier?.members[member.id];
    const isHealthy = member.eds === 'HEALTHY';
    const state = isHealthy ? member.state : `${member.state} (${[member.eds, member.reason].filter((word) => word).join(': ')})`;
    const figures = calls ? [String(calls.requests), String(calls.errors), `${calls.p99Ms.toFixed(1)} ms`] : ['-', '-', '-'];
    return [member.id, member.zone || '-', member.partition === null ? '-' : String(member.partition), state, ...figures];
  });
  const widths = HEADINGS.map((heading, i) => Math.max(heading.length, ...rows.map((row) => (row[i] as string).length)));
  const lined = [HEADINGS, ...rows].map((row) =>
    row
      .map((cell, i) => (FIGURES.has(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
      .join('  ')
      .trimEnd(),
  );
  return [...statusLines(picture), '', ...(rows.length === 0 ? [] : [...lined, '']), ...troubleLines(picture)].map((line) =>
    line.slice(0, columns),
  );
}

function statusLines(picture: Picture): string[] {
  if (!picture.isReady) return [`starting: ${picture.waitsFor}`];
  if (!picture.querier) return ['ready'];
  const { queries, failed, members } = picture.querier;
  const { requests, errors } = totals(members);
  return ['ready', `${queries} queries, ${failed} failed; ${requests} requests to live-stores, ${errors} errors`];
}

function troubleLines(picture: Picture): string[] {
  const trouble = troubles(picture.children);
  const failure = picture.isReady && picture.querier && picture.querier.failed > 0 ? `last failure: ${picture.querier.lastError}` : '';
  return [trouble, failure, 'Ctrl-C stops everything'].filter((line) => line !== '');
}
