import type { Clock, Random } from '../../core/index.ts';

/** What the world hands to a source. */
export interface SourceDeps {
  readonly clock: Clock;
  /** For jitter. */
  readonly random: Random;
}
