const SLOTS = 128;

/** The streams of one connection by id. A Map in their place leaves dead tables behind that keep dead streams alive until the next full collection: a quarter of all CPU time (bench/micro/forward). */
export class StreamSlots<T extends { readonly id: number }> {
  readonly #slots: (T | undefined)[] = [];
  /** Streams whose slot another one has: long-lived ones, mostly, that ids have lapped. */
  readonly #others = new Map<number, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    const found = this.#slots[slotOf(id)];
    if (found?.id === id) return found;
    return this.#others.size === 0 ? undefined : this.#others.get(id);
  }

  add(stream: T): void {
    const slot = slotOf(stream.id);
    this.#size += 1;
    while (this.#slots.length <= slot) this.#slots.push(undefined);
    if (this.#slots[slot] === undefined) this.#slots[slot] = stream;
    else this.#others.set(stream.id, stream);
  }

  delete(stream: T): void {
    const slot = slotOf(stream.id);
    if (this.#slots[slot] === stream) this.#slots[slot] = undefined;
    else if (!this.#others.delete(stream.id)) return;
    this.#size -= 1;
  }

  /** As they are now, by id. */
  list(): T[] {
    const found = this.#slots.filter((stream) => stream !== undefined);
    return [...found, ...this.#others.values()].sort((a, b) => a.id - b.id);
  }
}

/** Ids of one side are all odd or all even. */
function slotOf(id: number): number {
  return (id >>> 1) & (SLOTS - 1);
}
