import { borrowSlab, releaseSlab, SLAB_SIZE } from '../../http2/index.ts';

/** Larger ones get a buffer of their own. */
const LARGEST_SHARED = SLAB_SIZE / 4;

/** Memory that copies of chunks share: a buffer for each keeps the garbage collector busy with memory outside its heap. */
interface SharedSlab {
  readonly bytes: Buffer;
  used: number;
  /** Chunks in it that somebody has. */
  chunks: number;
}

/** A copy of a part of a body. */
export interface KeptChunk {
  readonly octets: Buffer;
  /** undefined: it is too large for one. */
  readonly slab: SharedSlab | undefined;
}

/** The one that is being filled. */
let current: SharedSlab | undefined;

/** Copies `chunk`, until `releaseChunk`. */
export function keepChunk(chunk: Buffer): KeptChunk {
  const { length } = chunk;
  if (length > LARGEST_SHARED) return { octets: Buffer.from(chunk), slab: undefined };
  if (current === undefined || current.used + length > SLAB_SIZE) current = { bytes: borrowSlab(), used: 0, chunks: 0 };
  const slab = current;
  const octets = slab.bytes.subarray(slab.used, slab.used + length);
  chunk.copy(octets);
  slab.used += length;
  slab.chunks += 1;
  return { octets, slab };
}

/** Nobody reads the chunk any more: its memory is used again once that is so for all that share it. Only once for each chunk. */
export function releaseChunk({ slab }: KeptChunk): void {
  if (slab === undefined) return;
  slab.chunks -= 1;
  if (slab.chunks > 0) return;
  if (slab === current) slab.used = 0;
  else releaseSlab(slab.bytes);
}
