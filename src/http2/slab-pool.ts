/** Larger slabs miss the cache on large bodies, smaller ones cost more writes (bench/micro/forward). */
export const SLAB_SIZE = 65_536;
const MAX_FREE = 64;

const free: Buffer[] = [];

/** A buffer of SLAB_SIZE octets with arbitrary content; give it back with `releaseSlab` once nobody reads it. */
export function borrowSlab(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(SLAB_SIZE);
}

export function releaseSlab(slab: Buffer): void {
  if (free.length < MAX_FREE) free.push(slab);
}
