import { TYPE_URLS, type TypeUrl } from '../types.ts';

/** What is asked of one type: whatever the server chooses for this node (the legacy wildcard), or resources by name. */
export type Interest = { readonly kind: 'all' } | { readonly kind: 'names'; readonly names: ReadonlySet<string> };

/** Everything that is asked for, by type. A type that is absent is not subscribed to. */
export type Interests = ReadonlyMap<TypeUrl, Interest>;

/** Make-before-break order, in which types are asked for and served (xDS protocol, "Eventual consistency considerations"). */
const ORDER: readonly TypeUrl[] = [TYPE_URLS.cluster, TYPE_URLS.endpoint, TYPE_URLS.listener, TYPE_URLS.route, TYPE_URLS.secret];

/** Sorts types clusters first; unknown ones go last, in the order given. */
export function inServingOrder(types: Iterable<TypeUrl>): TypeUrl[] {
  const rank = (type: TypeUrl): number => (ORDER.includes(type) ? ORDER.indexOf(type) : ORDER.length);
  return [...types].sort((a, b) => rank(a) - rank(b));
}

/** Types whose response in state-of-the-world form is the full set: what is absent was deleted. */
export function isFullSetType(type: TypeUrl): boolean {
  return type === TYPE_URLS.cluster || type === TYPE_URLS.listener;
}

/** Whether a resource of this name was asked for. */
export function wants(interest: Interest, name: string): boolean {
  return interest.kind === 'all' || interest.names.has(name);
}

/** Names in `a` that are not in `b`, sorted. */
export function namesBeyond(a: ReadonlySet<string>, b: ReadonlySet<string>): string[] {
  return [...a].filter((name) => !b.has(name)).sort();
}
