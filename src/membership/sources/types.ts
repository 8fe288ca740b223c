import type { SecretReader } from '../../config/index.ts';
import type { Clock, Random } from '../../core/index.ts';

/** What the world hands to a source. */
export interface SourceDeps {
  readonly clock: Clock;
  /** For jitter. */
  readonly random: Random;
  /** Reads passwords and tokens where they are. */
  readonly readSecret: SecretReader;
  /** Whether a source that keeps its place in order (nats: creates its bucket, takes out who has long been silent) may do so; not who only looks. */
  readonly mayWrite: boolean;
  /** The environment of the process: where a pod's API server is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}
