/** Copies of chunks share slabs: a buffer of its own for each keeps the garbage collector busy with memory outside its heap. */
const SLAB = 65_536;
const MAX_FREE = 64;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  /** Chunks in it that somebody has. */
  chunks: number;
}

/** A copy of a part of a body. */
export interface KeptChunk {
  readonly octets: Buffer;
  /** undefined: it is too large for one. */
  readonly slab: Slab | undefined;
}

let current: Slab = { bytes: Buffer.alloc(0), used: 0, chunks: 0 };
const free: Slab[] = [];

/** Copies `chunk`, until `releaseChunk`. */
export function keepChunk(chunk: Buffer): KeptChunk {
  const { length } = chunk;
  if (length > SLAB / 4) return { octets: Buffer.from(chunk), slab: undefined };
  if (current.used + length > current.bytes.length) current = free.pop() ?? { bytes: Buffer.allocUnsafeSlow(SLAB), used: 0, chunks: 0 };
  const slab = current;
  const octets = slab.bytes.subarray(slab.used, slab.used + length);
  chunk.copy(octets);
  slab.used += length;
  slab.chunks += 1;
  return { octets, slab };
}

/**
 * Nobody reads the chunk any more. Its slab is filled again once that is so for all in it: with new memory for each slab the bodies of
 * large requests made V8 look through its whole heap up to ten times a second (bench:engine, g3).
 */
export function releaseChunk({ slab }: KeptChunk): void {
  if (slab === undefined) return;
  slab.chunks -= 1;
  if (slab.chunks > 0) return;
  slab.used = 0;
  if (slab !== current && free.length < MAX_FREE) free.push(slab);
}
