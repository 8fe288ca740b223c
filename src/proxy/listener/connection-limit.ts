/** How many connections there may be at once, of one listener or of all of a process. */
export class ConnectionLimit {
  readonly max: number;
  #active = 0;

  /** `max` ≥ 0; Infinity: no limit. */
  constructor(max: number) {
    this.max = max;
  }

  get isReached(): boolean {
    return this.#active >= this.max;
  }

  opened(): void {
    this.#active += 1;
  }

  closed(): void {
    this.#active -= 1;
  }
}
