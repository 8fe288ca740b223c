import type { Logger } from '../../telemetry/index.ts';
import type { BoundServer, ListenEvents, ListenOptions } from '../../transport/index.ts';
import type { FilterDeps } from '../filter/index.ts';

/** Begins to listen: `listen` of `transport`. */
export type Listen = (options: ListenOptions, events: ListenEvents) => Promise<BoundServer>;

/** What listeners stand on. */
export interface ListenerDeps extends FilterDeps {
  readonly listen: Listen;
  readonly logger: Logger;
  /** How long the connections of a replaced or removed listener may go on (`--drain-time-s`); 600 s in Envoy. */
  readonly drainTimeMs: number;
}
