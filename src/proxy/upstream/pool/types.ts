import type { Clock } from '../../../core/index.ts';
import type { BufferBudget } from '../../../http2/index.ts';
import type { Connect } from '../types.ts';

/** What pools stand on. */
export interface HostPoolDeps {
  readonly clock: Clock;
  readonly connect: Connect;
  /** What all connections of the process may hold unread; none unless given. */
  readonly budget?: BufferBudget;
}
