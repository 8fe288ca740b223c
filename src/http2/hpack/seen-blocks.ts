import type { HeaderField } from './header-field.ts';

/** Responses and trailers of two methods. */
const PLACES = 4;
const MAX_OCTETS = 32;

/** One block as it came, and what it was. */
interface SeenBlock {
  octets: Buffer;
  length: number;
  /** Of the table when it came. */
  version: number;
  fields: HeaderField[];
}

/**
 * Blocks of nothing but table indexes, as responses and trailers mostly are: the same octets, with the table as it was, are the same fields,
 * and come as the same array, by which later stages know them again.
 */
export class SeenBlocks {
  readonly #places: SeenBlock[] = [];
  #next = 0;

  find(bytes: Buffer, start: number, end: number, version: number): HeaderField[] | undefined {
    const length = end - start;
    for (let index = 0; index < this.#places.length; index += 1) {
      const place = this.#places[index]!;
      if (place.length === length && place.version === version && isSame(place.octets, bytes, start, length)) return place.fields;
    }
    return undefined;
  }

  keep(bytes: Buffer, start: number, end: number, version: number, fields: HeaderField[]): void {
    const length = end - start;
    if (length > MAX_OCTETS) return;
    let place = this.#places[this.#next];
    if (place === undefined) {
      place = { octets: Buffer.allocUnsafeSlow(MAX_OCTETS), length, version, fields };
      this.#places.push(place);
    }
    bytes.copy(place.octets, 0, start, end);
    place.length = length;
    place.version = version;
    place.fields = fields;
    this.#next = (this.#next + 1) % PLACES;
  }
}

function isSame(octets: Buffer, bytes: Buffer, start: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) if (octets[index] !== bytes[start + index]) return false;
  return true;
}
