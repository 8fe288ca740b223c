import type { ReceivedResource, ResourceUpdate } from '../../xds/client/types.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/types.ts';
import type { Entry, Phase, RuntimeResources, Version } from '../runtime/index.ts';

type Parts = Pick<RuntimeResources, 'clusters' | 'endpoints' | 'listeners' | 'routes'>;

/** In which order types may be applied: what is referred to first. */
const ORDER = [
  ['clusters', TYPE_URLS.cluster],
  ['endpoints', TYPE_URLS.endpoint],
  ['listeners', TYPE_URLS.listener],
  ['routes', TYPE_URLS.route],
] as const satisfies readonly (readonly [keyof Parts, TypeUrl])[];

/** Types whose first answer is not awaited any more. */
const SETTLED: Readonly<Record<Phase, readonly TypeUrl[]>> = {
  clusters: [],
  listeners: [TYPE_URLS.cluster],
  live: [TYPE_URLS.cluster, TYPE_URLS.listener],
};

/**
 * Everything dynamic that a runtime has, as updates that bring an empty one to the same state: first what serves, then what still warms;
 * clusters that are only kept for what refers to them are removed again at the end. What was never answered, or has been given up, is
 * said to be absent, so that nobody waits for it anew; `phase` says which types are past that.
 */
export function presentState(resources: RuntimeResources, phase: Phase): ResourceUpdate[] {
  const missing = missingNames(resources);
  const serving = ORDER.map(([part, typeUrl]) => updateOf(resources, part, typeUrl, ({ active }) => active, missing[part]));
  const warming = ORDER.map(([part, typeUrl]) => updateOf(resources, part, typeUrl, ({ warming: next }) => next, []));
  const leaving = resources.clusters.filter(({ leavingSinceMs }) => leavingSinceMs !== null).map(({ name }) => name);
  const removal = updateOf(resources, 'clusters', TYPE_URLS.cluster, () => null, leaving);
  const isAnswered = ({ typeUrl }: ResourceUpdate): boolean => resources.versions.has(typeUrl) || SETTLED[phase].includes(typeUrl);
  const isFull = ({ upserts, removed }: ResourceUpdate): boolean => upserts.length + removed.length > 0;
  return [...serving.filter((update) => isFull(update) || isAnswered(update)), ...[...warming, removal].filter(isFull)];
}

function updateOf(
  resources: RuntimeResources,
  part: keyof Parts,
  typeUrl: TypeUrl,
  choose: (entry: Entry<unknown>) => Version<unknown> | null,
  removed: readonly string[],
): ResourceUpdate {
  const upserts = resources[part].flatMap((entry): ReceivedResource[] => {
    const chosen = entry.origin === 'static' ? null : choose(entry);
    return chosen ? [{ name: entry.name, version: chosen.version, typeUrl, value: chosen.value }] : [];
  });
  return { typeUrl, version: resources.versions.get(typeUrl) ?? '', upserts, removed };
}

/** Names that something serves without, though it refers to them. */
function missingNames({ clusters, endpoints, listeners, routes }: Parts): Readonly<Record<keyof Parts, readonly string[]>> {
  const absent = (users: readonly Entry<unknown>[], kind: 'endpoints' | 'routes', present: readonly Entry<unknown>[]): string[] => {
    const known = new Set(present.flatMap(({ name, active, warming }) => (active || warming ? [name] : [])));
    const named = users.flatMap(({ active }) => active?.dependencies[kind] ?? []);
    return [...new Set(named)].filter((name) => !known.has(name));
  };
  return {
    clusters: [],
    listeners: [],
    endpoints: absent(clusters, 'endpoints', endpoints),
    routes: absent(listeners, 'routes', routes),
  };
}
