/** Points that one side of a situation has come to, and the other waits for. */
export class Marks {
  readonly #marks = new Map<string, PromiseWithResolvers<void>>();

  /** It has come to this point. */
  set(name: string): void {
    this.#of(name).resolve();
  }

  /** Resolves when the other side has. */
  reached(name: string): Promise<void> {
    return this.#of(name).promise;
  }

  #of(name: string): PromiseWithResolvers<void> {
    let mark = this.#marks.get(name);
    if (!mark) {
      mark = Promise.withResolvers();
      this.#marks.set(name, mark);
    }
    return mark;
  }
}
