import type { HeaderField } from './header-field.ts';

/** RFC 7541 §2.3.2: first in, first out, bounded by the entries' sizes. */
export class DynamicTable {
  // A ring whose length is a power of two.
  #ring: (HeaderField | undefined)[] = [];
  #inserted = 0;
  #version = 0;
  #count = 0;
  #size = 0;
  #maxSize: number;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get maxSize(): number {
    return this.#maxSize;
  }

  /** Entries ever inserted; the newest entry's slot is this minus one. */
  get inserted(): number {
    return this.#inserted;
  }

  /** Another number whenever an index may mean something else than before. */
  get version(): number {
    return this.#version;
  }

  setMaxSize(size: number): void {
    this.#version += 1;
    this.#maxSize = size;
    this.#evictTo(size);
  }

  /** An entry larger than the table empties it (§4.4). */
  insert(entry: HeaderField): void {
    this.#version += 1;
    this.#evictTo(this.#maxSize - entry.size);
    if (entry.size > this.#maxSize) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[this.#inserted & (this.#ring.length - 1)] = entry;
    this.#inserted += 1;
    this.#count += 1;
    this.#size += entry.size;
  }

  /** The entry `index` places behind the newest, or undefined. */
  at(index: number): HeaderField | undefined {
    return index < this.#count ? this.#ring[(this.#inserted - 1 - index) & (this.#ring.length - 1)] : undefined;
  }

  /** True while the entry that was inserted as number `slot` (from 0) is in the table. */
  holds(slot: number): boolean {
    return slot >= this.#inserted - this.#count;
  }

  /** The entry that was inserted as number `slot` (from 0), or undefined when it is gone. */
  bySlot(slot: number): HeaderField | undefined {
    return this.holds(slot) ? this.#ring[slot & (this.#ring.length - 1)] : undefined;
  }

  #evictTo(size: number): void {
    while (this.#size > size && this.#count > 0) {
      const oldest = (this.#inserted - this.#count) & (this.#ring.length - 1);
      this.#size -= this.#ring[oldest]!.size;
      this.#ring[oldest] = undefined;
      this.#count -= 1;
    }
  }

  #grow(): void {
    const larger = new Array<HeaderField | undefined>(Math.max(16, this.#ring.length * 2)).fill(undefined);
    for (let index = 0; index < this.#count; index += 1) {
      const slot = this.#inserted - 1 - index;
      larger[slot & (larger.length - 1)] = this.#ring[slot & (this.#ring.length - 1)];
    }
    this.#ring = larger;
  }
}
