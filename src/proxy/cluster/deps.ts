import type { Clock, Random } from '../../core/index.ts';
import type { StatScope } from '../../telemetry/index.ts';
import type { ResolveName } from '../../transport/index.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Host } from './host.ts';
import type { ClusterStats } from './stats.ts';
import type { ClusterSettings, HostPool, RequestPriority } from './types.ts';

/** What a pool may know of the cluster it works for. */
export interface PoolOwner {
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly breakers: Readonly<Record<RequestPriority, CircuitBreaker>>;
}

/** Makes the pool of a host when its first request comes. `proxy/upstream` gives it. */
export type CreateHostPool = (host: Host, owner: PoolOwner) => HostPool;

/** What a cluster stands on. */
export interface ClusterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolveName: ResolveName;
  readonly createPool: CreateHostPool;
  /** Forgets the series of a cluster unless another one of the same name writes them. */
  readonly releaseStats: (statName: string, scope: StatScope) => void;
}
