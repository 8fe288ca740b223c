/** A value that changes, for readers who want the newest and need no history. */
export interface ReadonlyObservable<T> {
  readonly value: T;
  /** Calls `listener` at each later change, in order of subscription, synchronously. Returns how to stop. */
  subscribe(listener: (value: T, previous: T) => void): () => void;
}

/** The writer's side of a ReadonlyObservable. Setting the same value (Object.is) tells nobody. */
export class Observable<T> implements ReadonlyObservable<T> {
  #value: T;
  readonly #listeners = new Set<(value: T, previous: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    const previous = this.#value;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener(value, previous);
  }

  subscribe(listener: (value: T, previous: T) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
