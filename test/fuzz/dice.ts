import { type Random, seededRandom } from '../../src/core/index.ts';

/** Chances of one case: all of them come from one sequence, so that seed and index are enough to see the case again. */
export class Dice {
  readonly random: Random;

  constructor(seed: number, index: number) {
    this.random = seededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b));
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.random() * times < 1;
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  octets(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.below(256);
    return bytes;
  }
}
