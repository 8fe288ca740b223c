/** Finest first. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['n', 0.000_001],
  ['u', 0.001],
  ['m', 1],
  ['S', 1000],
  ['M', 60_000],
  ['H', 3_600_000],
]);
const MAX_DIGITS = 99_999_999;

/** Milliseconds, with a fraction, of a grpc-timeout value (one to eight digits and a unit); undefined when it is none. */
export function parseGrpcTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  return match ? Number(match[1]) * UNITS.get(match[2]!)! : undefined;
}

/** A grpc-timeout value of `ms`, rounded up, in the finest unit that eight digits can hold; never 0, which would be over before it began. */
export function formatGrpcTimeout(ms: number): string {
  const atLeast = Math.max(ms, 0.000_001);
  for (const [unit, unitMs] of UNITS) {
    const count = Math.ceil(atLeast / unitMs);
    if (count <= MAX_DIGITS) return `${count}${unit}`;
  }
  return `${MAX_DIGITS}H`;
}
