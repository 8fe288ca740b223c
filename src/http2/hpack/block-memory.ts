import type { HeaderBlock } from '../types.ts';

/** Responses and trailers of one upstream take turns on a connection: two kinds each of two methods. */
const PLACES = 4;
/** Longer blocks hold values that are new each time. */
export const MAX_OCTETS = 64;

/** One block that was sent lately. */
interface Place {
  block: HeaderBlock | undefined;
  /** Of the table when `octets` were written; -1 while only the block is known. */
  version: number;
  octets: Buffer | undefined;
  length: number;
}

/**
 * The octets of blocks that go out again and again: the same block object, with the table as it was, is the same octets. A block is noted
 * the first time and its octets are kept the second time, so that blocks which never return cost a comparison.
 */
export class BlockMemory {
  readonly #places: Place[] = [];
  #next = 0;

  /** Writes what `block` was at `version` to `target` from `at`; returns where it ends, or -1. `target` needs MAX_OCTETS of room. */
  write(block: HeaderBlock, version: number, target: Buffer, at: number): number {
    for (let index = 0; index < this.#places.length; index += 1) {
      const place = this.#places[index]!;
      if (place.block !== block) continue;
      if (place.version !== version) return -1;
      const octets = place.octets!;
      for (let octet = 0; octet < place.length; octet += 1) target[at + octet] = octets[octet]!;
      return at + place.length;
    }
    return -1;
  }

  /** `block` went out as octets[start, end), which changed nothing in the table. */
  keep(block: HeaderBlock, version: number, octets: Buffer, start: number, end: number): void {
    // not even noted: it would keep its fields alive for as long as the connection
    if (end - start > MAX_OCTETS) return;
    const place = this.#places.find((one) => one.block === block);
    if (place === undefined) {
      this.#note(block);
      return;
    }
    place.octets ??= Buffer.allocUnsafeSlow(MAX_OCTETS);
    octets.copy(place.octets, 0, start, end);
    place.length = end - start;
    place.version = version;
  }

  #note(block: HeaderBlock): void {
    const place = this.#places[this.#next];
    if (place === undefined) this.#places.push({ block, version: -1, octets: undefined, length: 0 });
    else {
      place.block = block;
      place.version = -1;
    }
    this.#next = (this.#next + 1) % PLACES;
  }
}
