import type { Place, Position, Problem } from '../problem.ts';

/** Far more values than any configuration has: only aliases that name aliases get there. */
const MAX_VALUES = 1_000_000;

/** Collects what one reading finds; knows the resource it is in. */
export class Report {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** Where each value stands, by its path. */
  readonly places: Map<string, Place> = new Map();
  /** Paths below which indexes do not count: lists with a refused item. */
  readonly tainted: string[] = [];
  readonly #file: string;
  #resource = '';
  #values = 0;

  constructor(file: string) {
    this.#file = file;
  }

  error(path: string, at: Position, text: string): void {
    this.errors.push({ file: this.#file, at, path, text, resource: this.#resource });
  }

  warning(path: string, at: Position, text: string): void {
    this.warnings.push({ file: this.#file, at, path, text, resource: this.#resource });
  }

  /** Notes where a value stands; false when there are too many to go on. */
  enter(path: string, at: Position): boolean {
    this.places.set(path, { ...at, file: this.#file, resource: this.#resource });
    return this.spend(path, at);
  }

  /** Counts a value; false when there are too many to go on. */
  spend(path: string, at: Position): boolean {
    this.#values += 1;
    if (this.#values === MAX_VALUES)
      this.error(path, at, `the document has more than ${MAX_VALUES} values; do its aliases name one another?`);
    return this.#values < MAX_VALUES;
  }

  /** Runs `read` with errors attributed to `resource`; '' leaves the present one. */
  within<T>(resource: string, read: () => T): T {
    const outer = this.#resource;
    if (resource !== '') this.#resource = resource;
    const result = read();
    this.#resource = outer;
    return result;
  }
}
