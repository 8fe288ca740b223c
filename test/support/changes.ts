/** Lets tests wait for a condition of a world that says when it has changed. */
export class Changes {
  readonly #watchers = new Set<() => void>();

  /** Something changed. */
  readonly wake = (): void => {
    for (const watcher of [...this.#watchers]) watcher();
  };

  /** Resolves once `test` is true: now, or after a change. */
  readonly until = (test: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!test()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
}
