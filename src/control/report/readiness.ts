import type { Catalog, Ring } from '../../membership/types.ts';
import type { Stage } from '../stage/types.ts';

/**
 * Whether control serves every ring: all its sources have been read once, or are waited for no more, and it has had members. With `text` for people; not of
 * what clients have taken, since nobody's readiness may hang on theirs.
 */
export function readinessOf(catalog: Catalog, stage: Stage): { readonly ok: boolean; readonly text: string } {
  const unread = [...catalog.rings.values()].filter(({ name }) => !stage.rings.has(name));
  if (unread.length === 0) return { ok: true, text: 'ready' };
  return { ok: false, text: `not ready: ${unread.map(unreadText).join('; ')}` };
}

function unreadText({ name, sources, members }: Ring): string {
  const isKnown = sources.some(({ asOfMs }) => asOfMs !== null);
  const awaited = sources.filter(({ asOfMs, expired }) => asOfMs === null && !(expired && isKnown));
  const why = awaited.map((source) => `${source.name}: ${source.error ?? 'no answer yet'}`);
  if (why.length === 0 && members.length === 0) return `ring ${name} is empty (allowEmpty: true serves it empty)`;
  return `ring ${name} has not been read (${why.join(', ')})`;
}
