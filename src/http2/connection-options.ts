import type { Clock } from '../core/index.ts';
import type { BufferBudget } from './buffer-budget.ts';
import type { Http2CodecStats } from './codec-stats.ts';
import type { Http2Options } from './types.ts';

export interface ConnectionOptions extends Http2Options {
  readonly clock: Clock;
  /** Octets already read from the socket (codec detection); server only. */
  readonly initialBytes?: Buffer;
  /** Id of the first stream that is opened; client only, odd; 1. So that the end of the ids can be reached. */
  readonly firstStreamId?: number;
  /** What all connections of the process may hold together; none unless given. */
  readonly budget?: BufferBudget;
  /** Where to count; an object of its own unless given. */
  readonly stats?: Http2CodecStats;
}
