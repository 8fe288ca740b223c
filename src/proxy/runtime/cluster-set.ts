import type { Clock, Timer, TimeSlices } from '../../core/index.ts';
import type { MetricRegistry } from '../../telemetry/index.ts';
import { TYPE_URLS } from '../../xds/types.ts';
import { type FirstAnswers, WHOLE_TYPE } from './first-answers.ts';
import { type Entry, type NamedResource, ResourceTable, type Version } from './resource-table.ts';
import { endpointStats, type RuntimeStats } from './runtime-stats.ts';
import type { ClusterPort, ResourceCompiler } from './types.ts';

/** How long a removed cluster goes on serving what refers to it, and its requests may take to end after that. */
const LEAVING_MS = 30_000;

export interface ClusterSetOptions<Cluster, Endpoints> {
  readonly clusterCompiler: ResourceCompiler<Cluster>;
  readonly endpointCompiler: ResourceCompiler<Endpoints>;
  readonly port: ClusterPort<Cluster, Endpoints>;
  readonly answers: FirstAnswers;
  readonly clock: Clock;
  readonly slices: TimeSlices;
  readonly registry: MetricRegistry;
  readonly stats: RuntimeStats;
  /** Something may be warm now, or may leave now. Never called from within a method of this set. */
  readonly onChange: () => void;
}

/** A cluster in one of its versions. */
interface EndpointUser<Cluster> {
  readonly name: string;
  readonly version: Version<Cluster>;
}

/** Clusters and their endpoints: a cluster serves once it has endpoints, or none came in time. */
export class ClusterSet<Cluster, Endpoints> {
  readonly table: ResourceTable<Cluster>;
  readonly endpoints: ResourceTable<Endpoints>;
  readonly #options: ClusterSetOptions<Cluster, Endpoints>;
  /** Out of use since the last publication: retired after the next one. */
  #replaced: Version<Cluster>[] = [];
  /** In no configuration any more, and not ended so far. */
  #retiring: Version<Cluster>[] = [];
  #leaveTimer: Timer | null = null;
  /** Who needs endpoints of a name; null when clusters changed since it was made. Large EDS updates ask for every name. */
  #users: ReadonlyMap<string, readonly EndpointUser<Cluster>[]> | null = null;

  constructor(options: ClusterSetOptions<Cluster, Endpoints>) {
    this.#options = options;
    this.table = new ResourceTable(options.clusterCompiler, options.clock);
    this.endpoints = new ResourceTable(options.endpointCompiler, options.clock);
  }

  /** Takes a cluster. Returns why not, or null. `start: false` leaves that to `startAll`. */
  upsert(resource: NamedResource, origin: 'static' | 'dynamic', start = true): string | null {
    // As in Envoy, a static cluster is not replaced by a dynamic one of its name.
    if (origin === 'dynamic' && this.table.entries.get(resource.name)?.origin === 'static') return null;
    this.#users = null;
    const offer = this.table.offer(resource);
    if (offer.kind !== 'compiled') return offer.kind === 'refused' ? offer.message : null;
    const { stats } = this.#options;
    (offer.entry?.active || offer.entry?.warming ? stats.clusterModified : stats.clusterAdded).inc();
    const unused = this.table.warm(resource.name, origin, offer.version);
    if (unused) this.#replaced.push(unused);
    if (start) this.#start(offer.version);
    return null;
  }

  /** Starts every static cluster. */
  startAll(): void {
    for (const { warming } of this.table.entries.values()) if (warming) this.#start(warming);
  }

  remove(name: string): void {
    const entry = this.table.entries.get(name);
    if (!entry || entry.origin === 'static') return;
    this.#users = null;
    if (entry.warming) this.#replaced.push(entry.warming);
    entry.warming = null;
    if (entry.active || entry.leavingSinceMs === null) this.#options.stats.clusterRemoved.inc();
    if (!entry.active) this.table.entries.delete(name);
    else entry.leavingSinceMs ??= this.#options.clock.monotonicMs();
  }

  /** Takes the endpoints of a cluster that needs them; others are ignored. Returns why not, or null. */
  upsertEndpoints(resource: NamedResource): string | null {
    const clusters = this.#clustersOf(resource.name);
    if (clusters.length === 0) return null;
    const offer = this.endpoints.offer(resource);
    if (offer.kind === 'refused') {
      for (const { name } of clusters) endpointStats(this.#options.registry, name).rejected.inc();
      // As in Envoy, a start goes on whatever the first answer was.
      if (!this.endpoints.entries.get(resource.name)?.active) this.#goOnWithout(resource.name);
      return offer.message;
    }
    this.#options.answers.settle(TYPE_URLS.endpoint, resource.name);
    if (offer.kind === 'unchanged') return null;
    this.endpoints.warm(resource.name, 'dynamic', offer.version);
    this.endpoints.promote(this.endpoints.entries.get(resource.name) as Entry<Endpoints>);
    for (const { version } of clusters) this.#options.port.assign(version.compiled, offer.version.compiled);
    return null;
  }

  /** The server has no such endpoints: a cluster that has some keeps them (as Envoy does), one that waits goes on without. */
  removeEndpoints(name: string): void {
    if (this.endpoints.entries.get(name)?.active) return;
    for (const cluster of this.#clustersOf(name)) endpointStats(this.#options.registry, cluster.name).empty.inc();
    this.#goOnWithout(name);
  }

  /** No endpoints of this name came in time. */
  onFetchTimeout(name: string): void {
    for (const cluster of this.#clustersOf(name)) endpointStats(this.#options.registry, cluster.name).fetchTimeout.inc();
    this.#goOnWithout(name);
  }

  /** Makes serve what is warm. Returns whether anything changed. */
  promote(): boolean {
    let isChanged = false;
    for (const entry of this.table.entries.values()) {
      if (!entry.warming || !this.#mayServe(entry, entry.warming)) continue;
      const replaced = this.table.promote(entry);
      if (replaced) this.#replaced.push(replaced);
      isChanged = true;
    }
    if (isChanged) this.#users = null;
    return isChanged;
  }

  /** Lets go of removed clusters that nothing refers to any more, or that waited long enough. Returns whether anything changed. */
  letGo(referred: ReadonlySet<string>): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    let isChanged = false;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [name, entry] of this.table.entries) {
      if (entry.leavingSinceMs === null) continue;
      const leftMs = entry.leavingSinceMs + LEAVING_MS - nowMs;
      if (referred.has(name) && leftMs > 0) {
        soonestMs = Math.min(soonestMs, leftMs);
        continue;
      }
      if (entry.active) this.#replaced.push(entry.active);
      this.table.entries.delete(name);
      isChanged = true;
    }
    if (isChanged) this.#users = null;
    this.#leaveTimer?.cancel();
    this.#leaveTimer = soonestMs === Number.POSITIVE_INFINITY ? null : this.#options.clock.after(soonestMs, this.#options.onChange);
    return isChanged;
  }

  /** Ends what no configuration contains any more, and forgets endpoints that nobody needs. */
  retireReplaced(): void {
    const isRetiring = this.#retiring.length > 0;
    this.#retiring.push(...this.#replaced);
    this.#replaced = [];
    if (!isRetiring) void this.#retireInSlices();
    const needed = this.neededEndpoints({ andLeaving: true });
    for (const name of this.endpoints.entries.keys()) if (!needed.has(name)) this.endpoints.entries.delete(name);
  }

  /** What a version waits for, in words; '' when it may serve. */
  waitsFor(version: Version<Cluster>): string {
    const { answers, port } = this.#options;
    const missing = version.dependencies.endpoints?.find((name) => answers.isPending(TYPE_URLS.endpoint, name));
    if (missing !== undefined) return `endpoints "${missing}" (EDS)`;
    const warmth = port.warmth(version.compiled);
    return warmth.isWarm ? '' : warmth.waitsFor;
  }

  /** True for a cluster that may come soon: it warms for the first time, or the first CDS answer is still awaited. */
  isPending(name: string): boolean {
    const entry = this.table.entries.get(name);
    if (entry && (entry.active || entry.warming)) return entry.active === null;
    return this.#options.answers.isPending(TYPE_URLS.cluster, WHOLE_TYPE);
  }

  isKnown(name: string): boolean {
    const entry = this.table.entries.get(name);
    return entry !== undefined && (entry.active !== null || entry.warming !== null);
  }

  /** True while some cluster has never been warm. */
  get isAnyPending(): boolean {
    return [...this.table.entries.values()].some(({ active, warming }) => active === null && warming !== null);
  }

  /** Names of the endpoints that clusters need; those of leaving clusters are not asked for any more. */
  neededEndpoints(options: { readonly andLeaving: boolean } = { andLeaving: false }): ReadonlySet<string> {
    const names = new Set<string>();
    for (const entry of this.table.entries.values()) {
      if (entry.leavingSinceMs !== null && !options.andLeaving) continue;
      for (const version of versionsOf(entry)) for (const name of version.dependencies.endpoints ?? []) names.add(name);
    }
    return names;
  }

  /** Cancels timers and retires everything at once. */
  stop(): void {
    this.#leaveTimer?.cancel();
    const versions = [...this.#retiring, ...this.#replaced, ...[...this.table.entries.values()].flatMap(versionsOf)];
    this.#retiring = [];
    this.#replaced = [];
    this.table.entries.clear();
    for (const { compiled } of versions) this.#options.port.retire(compiled, 0);
  }

  async #retireInSlices(): Promise<void> {
    for (let version = this.#retiring.pop(); version; version = this.#retiring.pop()) {
      this.#options.port.retire(version.compiled, LEAVING_MS);
      const pause = this.#options.slices.pause();
      if (pause !== null) await pause;
    }
  }

  #mayServe({ active }: Entry<Cluster>, version: Version<Cluster>): boolean {
    return (version.dependencies.servesCold === true && active === null) || this.waitsFor(version) === '';
  }

  #start(version: Version<Cluster>): void {
    const { port, answers, onChange } = this.#options;
    port.start(version.compiled, onChange);
    for (const name of version.dependencies.endpoints ?? []) {
      const known = this.endpoints.entries.get(name)?.active;
      // No need to wait for the server to say it again: the subscription has kept it current.
      if (known) port.assign(version.compiled, known.compiled);
      else answers.expect(TYPE_URLS.endpoint, name, version.dependencies.initialFetchTimeoutMs);
      if (!known && !answers.isPending(TYPE_URLS.endpoint, name)) port.assign(version.compiled, null);
    }
  }

  #goOnWithout(name: string): void {
    this.#options.answers.settle(TYPE_URLS.endpoint, name);
    for (const { version } of this.#clustersOf(name)) this.#options.port.assign(version.compiled, null);
  }

  #clustersOf(endpoints: string): readonly EndpointUser<Cluster>[] {
    this.#users ??= usersOf(this.table.entries.values());
    return this.#users.get(endpoints) ?? [];
  }
}

function usersOf<Cluster>(entries: Iterable<Entry<Cluster>>): Map<string, EndpointUser<Cluster>[]> {
  const users = new Map<string, EndpointUser<Cluster>[]>();
  // Endpoints of a leaving cluster are not asked for any more.
  for (const entry of entries) {
    if (entry.leavingSinceMs !== null) continue;
    for (const version of versionsOf(entry)) {
      for (const name of version.dependencies.endpoints ?? []) users.set(name, [...(users.get(name) ?? []), { name: entry.name, version }]);
    }
  }
  return users;
}

function versionsOf<T>({ active, warming }: Entry<T>): Version<T>[] {
  return [active, warming].filter((version) => version !== null);
}
