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
  const digits = value.length - 1;
  if (digits < 1 || digits > 8) return undefined;
  let count = 0;
  // A loop: each call has another one, and a regular expression costs five times as much.
  for (let index = 0; index < digits; index += 1) {
    const digit = value.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    count = count * 10 + digit;
  }
  const unitMs = UNITS.get(value[digits]!);
  return unitMs === undefined ? undefined : count * unitMs;
}

/** A grpc-timeout value of whole milliseconds, rounded up, as Envoy writes them; of seconds where those have more than eight digits. */
export function wholeGrpcTimeout(ms: number): string {
  const whole = Math.ceil(ms);
  return whole <= MAX_DIGITS ? `${whole}m` : `${Math.ceil(ms / 1000)}S`;
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
