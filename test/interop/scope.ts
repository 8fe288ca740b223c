import type { Scope } from './installation.ts';

/** What a command starts ends with it, last first. */
export class CommandScope implements Scope {
  readonly #endings: (() => unknown)[] = [];

  teardown(ending: () => unknown): void {
    this.#endings.unshift(ending);
  }

  async end(): Promise<void> {
    for (const ending of this.#endings.splice(0)) await ending();
  }
}
