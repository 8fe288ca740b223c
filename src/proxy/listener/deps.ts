import type { Logger } from '../../telemetry/index.ts';
import type { BoundServer, ListenEvents, ListenOptions } from '../../transport/index.ts';
import type { FilterDeps } from '../filter/index.ts';
import type { TlsSources } from '../tls/index.ts';
import type { ConnectionLimit } from './connection-limit.ts';

/** Begins to listen: `listen` of `transport`. */
export type Listen = (options: ListenOptions, events: ListenEvents) => Promise<BoundServer>;

/** What listeners stand on. */
export interface ListenerDeps extends FilterDeps {
  readonly listen: Listen;
  readonly logger: Logger;
  /** For certificates and keys. */
  readonly tlsSources: TlsSources;
  /** Which process of a sidecar this is, from 0: part of the names of its own counters. */
  readonly worker: number;
  /** Of all listeners together; none unless given. */
  readonly connections?: ConnectionLimit;
  /** Connections that a listener of a name may have; none unless given (envoy.resource_limits.listener.<name>.connection_limit). */
  readonly connectionsOf?: Readonly<Record<string, number>>;
  /** How long the connections of a replaced or removed listener may go on (`--drain-time-s`); 600 s in Envoy. */
  readonly drainTimeMs: number;
}
