import type { Cluster, Host } from '../cluster/index.ts';
import { HOST_COUNTERS, type HostGauges, type HostGrowth } from './messages.ts';

/** Serving clusters by name. */
export type Clusters = ReadonlyMap<string, Cluster>;

const IDLE: HostGauges = { cxActive: 0, rqActive: 0, rqPendingActive: 0, isEjected: false };

/** Says what was counted at the hosts of clusters since it was asked last, and what is under way. */
export class HostReporter {
  /** What the counters were, in the order of HOST_COUNTERS. */
  readonly #told = new WeakMap<Host, readonly number[]>();

  /** Hosts that counted something or have something under way; any other is idle. */
  take(clusters: Clusters): HostGrowth[] {
    const changed: HostGrowth[] = [];
    for (const [cluster, { hosts }] of clusters) {
      for (const host of hosts) {
        const told = this.#told.get(host);
        if (!told && host.cxTotal === 0 && host.cxConnectFail === 0) continue;
        const now = HOST_COUNTERS.map((name) => host[name]);
        const counters = now.map((value, i) => value - (told?.[i] ?? 0));
        const gauges = gaugesOf(host);
        this.#told.set(host, now);
        if (counters.some((by) => by !== 0) || !isIdle(gauges)) changed.push({ cluster, address: host.address, counters, gauges });
      }
    }
    return changed;
  }
}

/** Puts what workers have at hosts to the hosts of the first process: counters into them, gauges beside them. */
export class HostMerge {
  /** By worker, then by cluster and address. */
  readonly #gauges = new Map<number, ReadonlyMap<string, HostGauges>>();

  take(worker: number, hosts: readonly HostGrowth[], clusters: Clusters): void {
    this.#gauges.set(worker, new Map(hosts.map(({ cluster, address, gauges }) => [keyOf(cluster, address), gauges])));
    for (const { cluster, address, counters } of hosts) {
      const host = clusters.get(cluster)?.hosts.find((each) => each.address === address);
      if (host) for (const [i, name] of HOST_COUNTERS.entries()) host[name] += counters[i] ?? 0;
    }
  }

  end(worker: number): void {
    this.#gauges.delete(worker);
  }

  /** What workers have under way to an address, all together. */
  elsewhere(cluster: string, address: string): HostGauges {
    let sum = IDLE;
    for (const kept of this.#gauges.values()) {
      const one = kept.get(keyOf(cluster, address));
      if (one)
        sum = {
          cxActive: sum.cxActive + one.cxActive,
          rqActive: sum.rqActive + one.rqActive,
          rqPendingActive: sum.rqPendingActive + one.rqPendingActive,
          isEjected: sum.isEjected || one.isEjected,
        };
    }
    return sum;
  }
}

function gaugesOf({ cxActive, rqActive, rqPendingActive, ejection }: Host): HostGauges {
  return { cxActive, rqActive, rqPendingActive, isEjected: ejection.state === 'ejected' };
}

function isIdle({ cxActive, rqActive, rqPendingActive, isEjected }: HostGauges): boolean {
  return cxActive + rqActive + rqPendingActive === 0 && !isEjected;
}

function keyOf(cluster: string, address: string): string {
  return `${cluster}\n${address}`;
}
