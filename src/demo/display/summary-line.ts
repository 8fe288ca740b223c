import { type Picture, totals, troubles } from './picture.ts';

/** The whole picture in one line, for a log. */
export function summaryLine(picture: Picture): string {
  const parts: string[] = [];
  if (!picture.isReady) parts.push(`waiting: ${picture.waitsFor}`);
  if (picture.ring)
    parts.push(`members ${picture.ring.length} (${picture.ring.filter((member) => member.eds === 'HEALTHY').length} healthy)`);
  if (picture.querier && picture.isReady) {
    const { queries, failed, lastError, members } = picture.querier;
    const { requests, errors, p99Ms } = totals(members);
    parts.push(`queries ${queries}`, `failed ${failed}`, `requests ${requests}`, `errors ${errors}`, `p99 ${p99Ms.toFixed(1)} ms`);
    if (failed > 0) parts.push(`last failure: ${lastError}`);
  }
  const trouble = troubles(picture.children);
  if (trouble !== '') parts.push(trouble);
  return parts.join(', ');
}
