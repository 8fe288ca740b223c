/** Least, middle and greatest of some values. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** The spread of at least one value, to four digits. */
export function spreadOf(values: readonly number[]): Spread {
  return { min: round(Math.min(...values)), median: round(medianOf(values)), max: round(Math.max(...values)) };
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** To four digits. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}
