// What bytes from the network may make us keep.
import { RingwayError } from '../../core/index.ts';

/** dskit's own limit for a value (memberlist: 20 MiB of state and 1 MiB of room). */
export const MAX_RING_BYTES: number = 21 * 1024 * 1024;

/** Instances, or partitions and owners together, of one ring. */
export const MAX_RING_ENTRIES = 100_000;

/** Of an id, an address or a zone; DNS names have 253 octets at most. */
export const MAX_NAME_LENGTH = 1024;

/** The text as it is. Throws RingwayError `BAD_RING_BYTES` when it is too long for a name. */
export function checkName(text: string, what: string): string {
  if (text.length <= MAX_NAME_LENGTH) return text;
  throw badRing(`have ${what} of ${text.length} characters, at most ${MAX_NAME_LENGTH} are allowed`);
}

export function badRing(what: string): RingwayError {
  return new RingwayError(`the bytes ${what}`, { code: 'BAD_RING_BYTES' });
}
