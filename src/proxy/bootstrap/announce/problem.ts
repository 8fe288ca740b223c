import { RingwayError } from '../../../core/index.ts';

/** Announcing is asked for in a way that cannot be. */
export function badAnnounce(message: string): RingwayError {
  return new RingwayError(message, { code: 'BAD_ANNOUNCE' });
}
