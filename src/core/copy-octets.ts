/** Up to so many octets a loop is faster than the call into native code (bench/micro/hpack): a traceparent and a UUID are among them. */
const SHORT = 64;

/** Copies source[start, start + length) to `target` at `at`; returns where that ends. There must be room. */
export function copyOctets(source: Uint8Array, start: number, length: number, target: Uint8Array, at: number): number {
  if (length <= SHORT) for (let index = 0; index < length; index += 1) target[at + index] = source[start + index]!;
  else target.set(source.subarray(start, start + length), at);
  return at + length;
}
