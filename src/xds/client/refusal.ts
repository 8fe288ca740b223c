import { TYPE_URLS, type TypeUrl } from '../types.ts';
import type { Response } from './type-state.ts';
import type { ResourceFailure } from './types.ts';

/** Refusals quoted in one NACK; the rest is only counted, so that the text stays readable. */
const QUOTED = 20;

const PLURALS: ReadonlyMap<TypeUrl, string> = new Map([
  [TYPE_URLS.cluster, 'clusters'],
  [TYPE_URLS.endpoint, 'cluster load assignments'],
  [TYPE_URLS.listener, 'listeners'],
  [TYPE_URLS.route, 'route configurations'],
  [TYPE_URLS.secret, 'secrets'],
]);

/** Why a response is refused whole, before any resource is looked at; null when it is well formed (xDS rule: one type, each name once). */
export function flawOf(response: Response): string | null {
  const seen = new Set<string>();
  for (const { name, typeUrl } of response.resources) {
    if (typeUrl !== response.typeUrl) return `resource "${name}" is a ${typeUrl} in a response of ${response.typeUrl}`;
    if (seen.has(name)) return `resource "${name}" appears twice in one response`;
    seen.add(name);
  }
  const removed = response.removed.find((name) => seen.has(name));
  return removed === undefined ? null : `resource "${removed}" is both added and removed in one response`;
}

/** The text of a NACK for a response that was taken in part: how many were refused, and each with its reason. */
export function refusalText(typeUrl: TypeUrl, total: number, failures: readonly ResourceFailure[]): string {
  const quoted = failures.slice(0, QUOTED).map(({ message }) => message);
  if (failures.length > QUOTED) quoted.push(`and ${failures.length - QUOTED} more`);
  return `${failures.length} of ${total} ${PLURALS.get(typeUrl) ?? typeUrl} refused: ${quoted.join('; ')}`;
}
