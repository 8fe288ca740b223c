import type { Clock } from '../../../core/index.ts';
import type { Connect } from '../types.ts';

/** What pools stand on. */
export interface HostPoolDeps {
  readonly clock: Clock;
  readonly connect: Connect;
}
