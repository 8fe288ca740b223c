/**
 * So much memory may be left behind before it is collected. V8 collects young objects by their own size, and a chunk that Node read is a
 * small object with up to 64 KiB outside the heap: left to itself V8 looks through its whole heap for every 64 MiB of them, ten times a second
 * under uploads, for a third of the CPU time and 20 ms at a time.
 */
const MOST_OCTETS = 8 * 1024 * 1024;

let octets = 0;
let collect = (): void => {};

/** Says how young garbage is collected, which is all that chunks are by then: nobody keeps them. Not at all unless this was called. */
export function collectReadGarbage(by: () => void): void {
  collect = by;
}

/** A chunk that Node read into memory of its own is left behind. */
export function leaveBehind(chunk: Buffer): void {
  octets += chunk.length;
  if (octets < MOST_OCTETS) return;
  octets = 0;
  collect();
}
