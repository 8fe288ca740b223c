import type { HeaderBlock } from '../../http2/types.ts';
import type { DomainTable } from './domains.ts';
import type { HeaderMatch } from './header-match.ts';
import type { Route, RouteTable } from './types.ts';

/** A route with its conditions. */
export interface RouteRule {
  readonly route: Route;
  /** Of the path without query. */
  readonly matchesPath: (path: string) => boolean;
  /** All must hold. */
  readonly matchesHeaders: readonly HeaderMatch[];
}

/** A virtual host: its rules, first match wins. */
export interface VirtualHostRules {
  readonly rules: readonly RouteRule[];
}

/** Callers choose authorities and paths: this many pairs are remembered, then memory starts anew. */
const MAX_REMEMBERED = 4096;
/** Longer ones, query included, are not remembered, but for the last: callers could fill our memory with them. */
const MAX_LENGTH = 512;

/**
 * Decides routes. Domains and paths are walked once for each authority and path that comes; afterwards a request costs two look-ups
 * and the header conditions of the rules its path fits, of which there are usually none.
 */
export class RememberingRouteTable implements RouteTable {
  readonly name: string;
  readonly #domains: DomainTable<VirtualHostRules>;
  readonly #remembered = new Map<string, Map<string, readonly RouteRule[]>>();
  #count = 0;
  /** What was asked last, most likely the next as well: the same texts cost a comparison of pointers. */
  #lastAuthority: string | undefined;
  #lastPath = '';
  #lastRules: readonly RouteRule[] = [];

  constructor(name: string, domains: DomainTable<VirtualHostRules>) {
    this.name = name;
    this.#domains = domains;
  }

  route(authority: string, path: string, headers: HeaderBlock): Route | undefined {
    if (authority !== this.#lastAuthority || path !== this.#lastPath) {
      this.#lastRules = this.#find(authority, path);
      this.#lastAuthority = authority;
      this.#lastPath = path;
    }
    for (const rule of this.#lastRules) if (allHold(rule.matchesHeaders, headers)) return rule.route;
    return undefined;
  }

  #find(authority: string, path: string): readonly RouteRule[] {
    const query = path.indexOf('?');
    const bare = query < 0 ? path : path.slice(0, query);
    return this.#remembered.get(authority)?.get(bare) ?? this.#walk(authority, bare, authority.length + path.length);
  }

  /** The rules that `path` fits, up to the first that has no other condition. */
  #walk(authority: string, path: string, length: number): readonly RouteRule[] {
    const fitting: RouteRule[] = [];
    for (const rule of this.#domains.find(authority)?.rules ?? []) {
      if (!rule.matchesPath(path)) continue;
      fitting.push(rule);
      if (rule.matchesHeaders.length === 0) break;
    }
    if (length <= MAX_LENGTH) this.#remember(authority, path, fitting);
    return fitting;
  }

  #remember(authority: string, path: string, rules: readonly RouteRule[]): void {
    if (this.#count >= MAX_REMEMBERED) {
      this.#remembered.clear();
      this.#count = 0;
    }
    let paths = this.#remembered.get(authority);
    if (!paths) {
      paths = new Map();
      this.#remembered.set(authority, paths);
    }
    paths.set(path, rules);
    this.#count += 1;
  }
}

function allHold(matches: readonly HeaderMatch[], headers: HeaderBlock): boolean {
  for (const match of matches) if (!match(headers)) return false;
  return true;
}
