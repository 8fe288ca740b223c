import type { SecretReader } from '../../config/index.ts';
import type { Clock, Random } from '../../core/index.ts';

/** What the world hands to a source. */
export interface SourceDeps {
  readonly clock: Clock;
  /** For jitter. */
  readonly random: Random;
  /** Reads passwords and tokens where they are. */
  readonly readSecret: SecretReader;
  /** The environment of the process: where a pod's API server is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}
