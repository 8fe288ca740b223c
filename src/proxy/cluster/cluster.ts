import type { Timer } from '../../core/index.ts';
import type { StatScope } from '../../telemetry/index.ts';
import type { Warmable } from '../runtime/types.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { ClusterDeps } from './deps.ts';
import { DnsDiscovery } from './dns.ts';
import { Host } from './host.ts';
import { HostSet, type Pick } from './host-set.ts';
import { createScheduler } from './lb/index.ts';
import { OutlierDetector } from './outlier/detector.ts';
import { pickAgain, pickUntried } from './retry-selection.ts';
import { type ClusterStats, createClusterStats } from './stats.ts';
import type { Assignment, ClusterSettings, Endpoint, HostPool, HostSelection, RequestPriority } from './types.ts';

/** What a cluster waits for, or that it may serve. */
type Warmth = { readonly state: 'warm' } | { readonly state: 'waiting'; readonly for: string };

/**
 * One compiled cluster, alive while any configuration has it: its hosts by priority, who is out, what is in use. Endpoints come and go
 * under it; the state of an address stays as long as the address does.
 */
export class Cluster implements Warmable {
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly breakers: Readonly<Record<RequestPriority, CircuitBreaker>>;
  readonly #deps: ClusterDeps;
  readonly #scope: StatScope;
  readonly #detector: OutlierDetector | null;
  readonly #hosts = new Map<string, Host>();
  readonly #draining = new Set<HostPool>();
  #set: HostSet;
  #overprovisioningFactor = 140;
  #dropFraction = 0;
  #warmth: Warmth;
  #onChange: () => void = () => {};
  #dns: DnsDiscovery | null = null;
  #cut: Timer | null = null;

  constructor(settings: ClusterSettings, scope: StatScope, deps: ClusterDeps) {
    this.settings = settings;
    this.stats = createClusterStats(scope, settings.tls !== null);
    this.breakers = {
      default: new CircuitBreaker(settings.breakers.default, 'default', scope),
      high: new CircuitBreaker(settings.breakers.high, 'high', scope),
    };
    this.#scope = scope;
    this.#deps = deps;
    this.#detector = settings.outlier ? new OutlierDetector(settings.outlier, this.#detectorDeps()) : null;
    this.#set = this.#buildSet();
    this.#warmth = { state: 'waiting', for: waitsFor(settings) };
    if (settings.discovery.type === 'STATIC') this.applyAssignment(settings.discovery.assignment);
  }

  get name(): string {
    return this.settings.name;
  }

  get isWarm(): boolean {
    return this.#warmth.state === 'warm';
  }

  get waitsFor(): string {
    return this.#warmth.state === 'warm' ? '' : this.#warmth.for;
  }

  /** Every host, in the order of the newest assignment. */
  get hosts(): readonly Host[] {
    return this.#set.hosts;
  }

  /** Begins name resolution. `onChange` is called when `isWarm` may have changed. */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    const { discovery } = this.settings;
    if (discovery.type !== 'STRICT_DNS' || this.#dns) return;
    this.#dns = new DnsDiscovery(discovery, {
      ...this.#deps,
      stats: this.stats,
      onEndpoints: (endpoints) => this.applyAssignment({ ...discovery, endpoints }),
    });
    this.#dns.start();
  }

  /** New endpoints; null: none came in time, serve without. Addresses that stay keep their connections, counters and ejections. */
  applyAssignment(assignment: Assignment | null): void {
    if (assignment) {
      if (this.settings.discovery.type === 'EDS') {
        this.stats.updateSuccess.value += 1;
        if (assignment.endpoints.length === 0) this.stats.updateEmpty.value += 1;
      }
      this.#overprovisioningFactor = assignment.overprovisioningFactor;
      this.#dropFraction = assignment.dropFraction ?? 0;
      this.#replaceHosts(assignment.endpoints);
    }
    if (this.#warmth.state === 'warm') return;
    this.#warmth = { state: 'warm' };
    this.#onChange();
  }

  /** Whether this request is one that no host is to get (drop_overloads), and whether every one is. */
  drops(): 'no' | 'this one' | 'all' {
    if (this.#dropFraction === 0) return 'no';
    if (this.#dropFraction === 1) return 'all';
    return this.#deps.random() < this.#dropFraction ? 'this one' : 'no';
  }

  /** A host for a first try; undefined when there is none to send to. */
  pick(): Host | undefined {
    return this.#counted(this.#set.pick());
  }

  /** A host for a retry after `tried`; `wasSlow`: the last of them only took too long to connect. */
  pickAgain(tried: readonly Host[], selection: HostSelection, wasSlow: boolean): Host | undefined {
    return this.#counted(pickAgain(this.#set, tried, selection, wasSlow));
  }

  /** A host for a hedge beside `tried`: another one that is available, or undefined. */
  pickUntried(tried: readonly Host[], selection: HostSelection): Host | undefined {
    return pickUntried(this.#set, tried, selection);
  }

  /** The host's pool, made with its first use. */
  poolOf(host: Host): HostPool {
    host.pool ??= this.#deps.createPool(host, this);
    return host.pool;
  }

  /** No more requests: connections end with their streams, or are cut after `graceMs`; then timers and series are gone. */
  retire(graceMs: number): void {
    this.#dns?.stop();
    this.#detector?.stop();
    for (const host of this.#hosts.values()) this.#retireHost(host);
    this.#cut ??= this.#deps.clock.after(graceMs, () => this.close());
  }

  /** Cuts everything at once. */
  close(): void {
    this.#dns?.stop();
    this.#detector?.stop();
    this.#cut?.cancel();
    const hosts = [...this.#hosts.values()];
    this.#hosts.clear();
    // requests that are cut now may look for another host: a connection to one would never be closed
    this.#set = this.#createSet();
    for (const host of hosts) {
      this.#detector?.remove(host);
      host.pool?.close();
    }
    for (const pool of this.#draining) pool.close();
    this.#draining.clear();
    this.#deps.releaseStats(this.settings.statName, this.#scope);
  }

  #counted(pick: Pick): Host | undefined {
    if (pick.panic) this.stats.lbHealthyPanic.value += 1;
    return pick.host;
  }

  #replaceHosts(endpoints: readonly Endpoint[]): void {
    const left = new Map(this.#hosts);
    let changed = false;
    this.#hosts.clear();
    for (const endpoint of endpoints) {
      // an address given twice counts once, where it came first
      if (this.#hosts.has(endpoint.address)) continue;
      let host = left.get(endpoint.address);
      if (host) host.endpoint = endpoint;
      else {
        host = new Host(endpoint);
        this.#detector?.add(host);
        changed = true;
      }
      left.delete(endpoint.address);
      this.#hosts.set(endpoint.address, host);
    }
    for (const host of left.values()) this.#retireHost(host);
    if (changed || left.size > 0) this.stats.membershipChange.value += 1;
    this.#set = this.#buildSet();
  }

  #retireHost(host: Host): void {
    this.#detector?.remove(host);
    const { pool } = host;
    if (!pool) return;
    this.#draining.add(pool);
    pool.drain(() => this.#draining.delete(pool));
  }

  #detectorDeps(): ConstructorParameters<typeof OutlierDetector>[1] {
    const onHealthChange = (): void => {
      this.#set = this.#buildSet();
    };
    return { ...this.#deps, scope: this.#scope, onHealthChange };
  }

  #createSet(): HostSet {
    return new HostSet([...this.#hosts.values()], {
      overprovisioningFactor: this.#overprovisioningFactor,
      panicThreshold: this.settings.panicThreshold,
      createScheduler: createScheduler(this.settings.lbPolicy),
      random: this.#deps.random,
    });
  }

  /** As `#createSet`, and shows it in the stats. */
  #buildSet(): HostSet {
    const set = this.#createSet();
    const count = (health: Host['health']): number => set.hosts.filter((host) => host.health === health).length;
    this.stats.membershipTotal.value = set.hosts.length;
    this.stats.membershipHealthy.value = count('healthy');
    this.stats.membershipDegraded.value = count('degraded');
    return set;
  }
}

function waitsFor({ discovery }: ClusterSettings): string {
  if (discovery.type === 'EDS') return `ClusterLoadAssignment ${discovery.serviceName}`;
  return discovery.type === 'STRICT_DNS' ? `addresses of ${discovery.endpoints.map(({ name }) => name).join(', ')}` : '';
}
