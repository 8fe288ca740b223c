/** What one request changed about a subscription. */
export interface SubscriptionChange {
  /** Names asked for. State of the world: those that were not held before. Delta: all of them, as asking again means send again. */
  readonly asked: readonly string[];
  /** `*` was asked for: newly (state of the world), newly or again (delta). */
  readonly askedWildcard: boolean;
  /** Names given up by this request that were held before it. */
  readonly dropped: readonly string[];
}

/**
 * Which resources of one type one client wants on one stream. The two protocols say it differently:
 *
 * - state of the world: each request holds the whole list (`replace`);
 * - delta: each request holds changes (`change`).
 *
 * `unset`: no request yet. `legacy`: the first request named nothing, which means `*` for types that allow it, until anything has been
 * named. `named`: what is wanted is what was named, `*` included; naming nothing any more is wanting nothing.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
 */
export class Subscription {
  #state: 'unset' | 'legacy' | 'named' = 'unset';
  #explicitWildcard = false;
  #names: Set<string> = new Set();
  readonly #legacyWildcard: boolean;

  constructor(options: { readonly legacyWildcard: boolean }) {
    this.#legacyWildcard = options.legacyWildcard;
  }

  /** Names asked for one by one, without `*`. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get isWildcard(): boolean {
    return this.#explicitWildcard || this.#state === 'legacy';
  }

  get isEmpty(): boolean {
    return !this.isWildcard && this.#names.size === 0;
  }

  wants(name: string): boolean {
    return this.isWildcard || this.#names.has(name);
  }

  /** State of the world: the complete list of one request. */
  replace(list: readonly string[]): SubscriptionChange {
    const wasWildcard = this.isWildcard;
    const before = this.#names;
    if (list.length > 0) this.#state = 'named';
    else if (this.#state === 'unset') this.#state = this.#legacyWildcard ? 'legacy' : 'named';
    this.#explicitWildcard = list.includes('*');
    this.#names = new Set(list.filter((name) => name !== '*'));
    return {
      asked: [...this.#names].filter((name) => !before.has(name)),
      askedWildcard: this.isWildcard && !wasWildcard,
      dropped: [...before].filter((name) => !this.#names.has(name)),
    };
  }

  /**
   * Delta: the changes of one request. A name in both lists is subscribed and then given up: a client that sends `*` in both
   * wants to be connected and nothing yet. The legacy wildcard is held like a named `*`: only giving up `*` ends it.
   */
  change(subscribe: readonly string[], unsubscribe: readonly string[]): SubscriptionChange {
    const first = this.#state === 'unset';
    this.#state = 'named';
    let askedWildcard = first && this.#legacyWildcard && subscribe.length === 0 && unsubscribe.length === 0;
    const before = new Set(this.#names);
    for (const name of subscribe) {
      if (name === '*') askedWildcard = true;
      else this.#names.add(name);
    }
    if (askedWildcard) this.#explicitWildcard = true;
    for (const name of unsubscribe) {
      if (name === '*') this.#explicitWildcard = false;
      else this.#names.delete(name);
    }
    return {
      asked: subscribe.filter((name) => this.#names.has(name)),
      askedWildcard: askedWildcard && this.#explicitWildcard,
      dropped: unsubscribe.filter((name) => before.has(name)),
    };
  }
}
