import { createSecretReader } from '../../src/config/index.ts';
import type { Clock } from '../../src/core/index.ts';
import type { SourceDeps } from '../../src/membership/sources/index.ts';

/** What a source gets in tests: this clock, no jitter, and this environment. */
export function sourceDeps(clock: Clock, environment: Readonly<Record<string, string>> = {}): SourceDeps {
  return { clock, random: () => 0.5, readSecret: createSecretReader(environment), environment, mayWrite: true };
}
