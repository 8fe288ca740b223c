/** Problems that are remembered by name; of the others it is known how many there were. */
const MAX_NAMED = 1000;

/** What cannot be read on a bus, by key. */
export class ProblemList {
  readonly #named = new Map<string, string>();
  #unnamed = 0;

  /** True when that is news. */
  add(key: string, problem: string): boolean {
    if (this.#named.get(key) === problem) return false;
    if (this.#named.size < MAX_NAMED || this.#named.has(key)) this.#named.set(key, problem);
    else this.#unnamed += 1;
    return true;
  }

  /** True when there was one. */
  solve(key: string): boolean {
    return this.#named.delete(key);
  }

  clear(): void {
    this.#named.clear();
    this.#unnamed = 0;
  }

  /** One line; null when there is no problem. */
  get text(): string | null {
    const [first] = this.#named;
    if (first === undefined) return null;
    const more = this.#named.size - 1 + this.#unnamed;
    return `${first[0]}: ${first[1]}${more === 0 ? '' : `, and ${more} more that cannot be read`}`;
  }
}
