import type { ResourceSet } from '../types.ts';

/**
 * Remembers of which set nothing was due any more, so that the same set is not gone through again: a push to one type would else cost
 * every stream a walk through all its types. Sets of one version are the same set (ResourceSet).
 */
export class Rest {
  #reached: { readonly version: string; readonly removals: boolean } | null = null;

  reach({ version }: ResourceSet, removals: boolean): void {
    this.#reached = { version, removals };
  }

  /** What is wanted, owed or sent has changed. */
  disturb(): void {
    this.#reached = null;
  }

  /** Nothing of `set` is due; without removals nothing is due either when nothing was with them. */
  covers({ version }: ResourceSet, removals: boolean): boolean {
    return this.#reached?.version === version && (this.#reached.removals || !removals);
  }
}
