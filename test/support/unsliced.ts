import type { TimeSlices } from '../../src/core/index.ts';

/** For tests that move time by hand: whatever is done is done in one turn. */
export const unsliced: TimeSlices = { pause: () => null };
