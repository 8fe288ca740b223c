import type { HostMonitor } from './outlier/monitor.ts';
import type { Endpoint, HostPool } from './types.ts';

/** Why outlier detection keeps a host out. */
export type Ejection = { readonly state: 'in' } | { readonly state: 'ejected'; readonly atMs: number; readonly forMs: number };

/**
 * The live state of one address in one cluster: kept while updates of endpoints come and go, dropped when the address leaves.
 * The hot path writes its counters as plain fields (`/clusters` shows them).
 */
export class Host {
  readonly address: string;
  /** What the newest assignment says of it. */
  endpoint: Endpoint;
  ejection: Ejection = { state: 'in' };
  /** Takes results; undefined without outlier detection. */
  monitor: HostMonitor | undefined = undefined;
  /** Made with the first request; undefined before. */
  pool: HostPool | undefined = undefined;

  cxTotal = 0;
  cxActive = 0;
  cxConnectFail = 0;
  rqTotal = 0;
  rqActive = 0;
  rqPendingActive = 0;
  rqSuccess = 0;
  rqError = 0;
  rqTimeout = 0;

  constructor(endpoint: Endpoint) {
    this.address = endpoint.address;
    this.endpoint = endpoint;
  }

  get priority(): number {
    return this.endpoint.priority;
  }

  /** False when EDS calls it UNHEALTHY, DRAINING or TIMEOUT. */
  get isAvailableByEds(): boolean {
    const status = this.endpoint.healthStatus;
    return status !== 'UNHEALTHY' && status !== 'DRAINING' && status !== 'TIMEOUT';
  }

  /** Envoy's coarse health: a host that is ejected, or not available by EDS, is unhealthy. */
  get health(): 'healthy' | 'degraded' | 'unhealthy' {
    if (this.ejection.state === 'ejected' || !this.isAvailableByEds) return 'unhealthy';
    return this.endpoint.healthStatus === 'DEGRADED' ? 'degraded' : 'healthy';
  }

  /** As `/clusters` writes it: `healthy`, or `/flag` for each reason. */
  get healthFlags(): string {
    const flags: string[] = [];
    if (this.ejection.state === 'ejected') flags.push('/failed_outlier_check');
    const status = this.endpoint.healthStatus;
    if (status === 'UNHEALTHY' || status === 'TIMEOUT') flags.push('/failed_eds_health');
    if (status === 'DRAINING') flags.push('/eds_status_draining');
    if (status === 'DEGRADED') flags.push('/degraded_eds_health');
    return flags.length === 0 ? 'healthy' : flags.join('');
  }
}
