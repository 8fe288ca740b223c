import { type Clock, Observable, type ReadonlyObservable, RingwayError, type TimeSlices } from '../../core/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import type { Interest, Interests } from '../../xds/client/index.ts';
import type { ReceivedResource, ResourceFailure, ResourceSink, ResourceUpdate } from '../../xds/client/types.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/types.ts';
import { ClusterSet } from './cluster-set.ts';
import { FirstAnswers, WHOLE_TYPE } from './first-answers.ts';
import { ListenerSet } from './listener-set.ts';
import type { Entry, NamedResource, Version } from './resource-table.ts';
import { RouteSet } from './route-set.ts';
import { createRuntimeStats, type RuntimeStats } from './runtime-stats.ts';
import type { ClusterPort, ListenerPort, ResourceCompiler, RuntimeConfig } from './types.ts';

/**
 * `clusters`: initial clusters warm. `listeners`: clusters are ready, listeners are awaited and wait for their routes. `live`: everything
 * that was there at the start serves. It never goes back.
 */
export type Phase = 'clusters' | 'listeners' | 'live';

/** A wildcard subscription; `initial_fetch_timeout` of its ConfigSource, 0 waits for ever. */
export interface Feed {
  readonly initialFetchTimeoutMs: number;
}

export interface RuntimeOptions<Cluster, Endpoints, Listener, Route> {
  readonly compilers: {
    readonly cluster: ResourceCompiler<Cluster>;
    readonly endpoint: ResourceCompiler<Endpoints>;
    readonly listener: ResourceCompiler<Listener>;
    readonly route: ResourceCompiler<Route>;
  };
  readonly clusters: ClusterPort<Cluster, Endpoints>;
  readonly listeners: ListenerPort<Listener>;
  /** null: the bootstrap has no cds_config. */
  readonly cds: Feed | null;
  /** null: the bootstrap has no lds_config. */
  readonly lds: Feed | null;
  readonly clock: Clock;
  /** Large updates are compiled a slice at a time. */
  readonly slices: TimeSlices;
  readonly registry: MetricRegistry;
  readonly log: Logger;
}

/** A resource that does not serve yet, and why. */
export interface Waiting {
  readonly typeUrl: TypeUrl;
  readonly name: string;
  readonly waitsFor: string;
  /** Unix ms. */
  readonly sinceMs: number;
}

/** Every resource as it stands, for config_dump. */
export interface RuntimeResources {
  readonly clusters: readonly Entry<unknown>[];
  readonly endpoints: readonly Entry<unknown>[];
  readonly listeners: readonly Entry<unknown>[];
  readonly routes: readonly Entry<unknown>[];
  /** Version of the last update of each type. */
  readonly versions: ReadonlyMap<TypeUrl, string>;
}

/**
 * Accepted resources → compiled → warm → the one configuration that requests see. Each change is one swap; what was refused or still
 * warms changes nothing for requests. References are closed: a listener serves with its routes, routes with the clusters they name, a
 * removed cluster stays until nothing refers to it (30 s at most).
 */
export class Runtime<Cluster, Endpoints, Listener, Route> implements ResourceSink {
  readonly #options: RuntimeOptions<Cluster, Endpoints, Listener, Route>;
  readonly #answers: FirstAnswers;
  readonly #stats: RuntimeStats;
  readonly #clusters: ClusterSet<Cluster, Endpoints>;
  readonly #routes: RouteSet<Route>;
  readonly #listeners: ListenerSet<Listener>;
  readonly #config: Observable<RuntimeConfig<Route, Cluster>>;
  readonly #interests = new Observable<Interests>(new Map());
  readonly #phase = new Observable<Phase>('clusters');
  readonly #versions = new Map<TypeUrl, string>();
  #turn: Promise<unknown> = Promise.resolve();
  #lifecycle: 'loading' | 'running' | 'stopped' = 'loading';
  /** True while an update is applied or things move: what changes meanwhile becomes part of the same swap. */
  #isBusy = false;
  #mustSettleAgain = false;

  constructor(options: RuntimeOptions<Cluster, Endpoints, Listener, Route>) {
    this.#options = options;
    const { clock, registry, compilers } = options;
    this.#stats = createRuntimeStats(registry);
    this.#config = new Observable<RuntimeConfig<Route, Cluster>>({ generation: 0, routes: new Map(), clusters: new Map() });
    this.#answers = new FirstAnswers(clock, (typeUrl, name) => this.#onFetchTimeout(typeUrl, name));
    const shared = { answers: this.#answers, clock, slices: options.slices, stats: this.#stats };
    const isClusterPending = (name: string): boolean => this.#clusters.isPending(name);
    this.#clusters = new ClusterSet({
      ...shared,
      clusterCompiler: compilers.cluster,
      endpointCompiler: compilers.endpoint,
      port: options.clusters,
      registry,
      onChange: () => this.#settle(),
    });
    this.#routes = new RouteSet({ ...shared, compiler: compilers.route, isClusterPending });
    this.#listeners = new ListenerSet({
      ...shared,
      compiler: compilers.listener,
      port: options.listeners,
      isClusterPending,
      isClusterKnown: (name) => this.#clusters.isKnown(name),
      missingRoutes: (name) => this.#routes.missing(name),
    });
  }

  /** What requests see from now on; each request reads it once. */
  get config(): ReadonlyObservable<RuntimeConfig<Route, Cluster>> {
    return this.#config;
  }

  /** What an xDS client must ask for. */
  get interests(): ReadonlyObservable<Interests> {
    return this.#interests;
  }

  get phase(): ReadonlyObservable<Phase> {
    return this.#phase;
  }

  /** Compiles the bootstrap's resources; nothing is started or bound. Throws RingwayError `CONFIG` that names the resource. */
  load(resources: { readonly clusters: readonly NamedResource[]; readonly listeners: readonly NamedResource[] }): void {
    refuseDuplicates('cluster', resources.clusters);
    refuseDuplicates('listener', resources.listeners);
    for (const cluster of resources.clusters) assertTaken('cluster', this.#clusters.upsert(cluster, 'static', false));
    for (const listener of resources.listeners) assertTaken('listener', this.#listeners.load(listener));
  }

  /** Binds static listeners and starts everything. Rejects when an address cannot be bound; resolves before anything is warm. */
  async start(): Promise<void> {
    await this.#listeners.bindAll();
    this.#lifecycle = 'running';
    if (this.#options.cds) this.#answers.expect(TYPE_URLS.cluster, WHOLE_TYPE, this.#options.cds.initialFetchTimeoutMs);
    this.#clusters.startAll();
    this.#settle();
  }

  async apply(update: ResourceUpdate): Promise<readonly ResourceFailure[]> {
    const turn = this.#turn.then(() => this.#apply(update));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Every resource with its serving, warming and refused form. */
  resources(): RuntimeResources {
    return {
      clusters: [...this.#clusters.table.entries.values()],
      endpoints: [...this.#clusters.endpoints.entries.values()],
      listeners: [...this.#listeners.table.entries.values()],
      routes: [...this.#routes.table.entries.values()],
      versions: this.#versions,
    };
  }

  /** What does not serve yet, and what it waits for. */
  waiting(): readonly Waiting[] {
    return [
      ...warmingOf(TYPE_URLS.cluster, this.#clusters.table.entries.values(), (version) => this.#clusters.waitsFor(version)),
      ...warmingOf(TYPE_URLS.listener, this.#listeners.table.entries.values(), (version) => this.#listeners.waitsFor(version)),
      ...warmingOf(TYPE_URLS.route, this.#routes.table.entries.values(), (version) => this.#routes.waitsFor(version)),
    ];
  }

  /** Cancels timers and retires clusters. Listeners must have drained before. */
  stop(): void {
    this.#lifecycle = 'stopped';
    this.#answers.stop();
    this.#clusters.stop();
  }

  get #isStopped(): boolean {
    return this.#lifecycle === 'stopped';
  }

  async #apply(update: ResourceUpdate): Promise<readonly ResourceFailure[]> {
    if (this.#lifecycle !== 'running') return [];
    const failures: ResourceFailure[] = [];
    this.#versions.set(update.typeUrl, update.version);
    this.#isBusy = true;
    try {
      for (const resource of update.upserts) {
        await this.#options.slices.pause();
        if (this.#isStopped) return [];
        const message = await this.#upsert(update.typeUrl, resource);
        if (message !== null) failures.push({ name: resource.name, message });
      }
      for (const name of update.removed) this.#remove(update.typeUrl, name);
      this.#answers.settle(update.typeUrl, WHOLE_TYPE);
    } finally {
      this.#isBusy = false;
      this.#settle();
    }
    return failures;
  }

  #upsert(typeUrl: TypeUrl, resource: ReceivedResource): string | null | Promise<string | null> {
    switch (typeUrl) {
      case TYPE_URLS.cluster:
        return this.#clusters.upsert(resource, 'dynamic');
      case TYPE_URLS.endpoint:
        return this.#clusters.upsertEndpoints(resource);
      case TYPE_URLS.listener:
        return this.#listeners.upsert(resource);
      case TYPE_URLS.route:
        return this.#routes.upsert(resource, this.#listeners.neededRoutes());
      default:
        return `${resource.name}: resources of type ${typeUrl} are not supported`;
    }
  }

  #remove(typeUrl: TypeUrl, name: string): void {
    if (typeUrl === TYPE_URLS.cluster) this.#clusters.remove(name);
    if (typeUrl === TYPE_URLS.endpoint) this.#clusters.removeEndpoints(name);
    if (typeUrl === TYPE_URLS.listener) this.#listeners.remove(name);
    if (typeUrl === TYPE_URLS.route) this.#routes.remove(name);
  }

  #onFetchTimeout(typeUrl: TypeUrl, name: string): void {
    if (typeUrl === TYPE_URLS.cluster) this.#stats.cdsFetchTimeout.inc();
    if (typeUrl === TYPE_URLS.listener) this.#stats.ldsFetchTimeout.inc();
    if (typeUrl === TYPE_URLS.endpoint) this.#clusters.onFetchTimeout(name);
    this.#options.log.warn('runtime.fetch_timeout', { type: typeUrl, name }, `no answer for ${name} in time; going on without`);
    this.#settle();
  }

  /** Moves everything as far as it can go, then publishes. Ports may call back from within: once more, then. */
  #settle(): void {
    this.#mustSettleAgain = true;
    if (this.#isBusy || this.#lifecycle !== 'running') return;
    this.#isBusy = true;
    try {
      while (this.#mustSettleAgain) {
        this.#mustSettleAgain = false;
        this.#advance();
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #advance(): void {
    this.#listeners.expectRoutes();
    let isChanged = this.#clusters.promote();
    isChanged = this.#routes.promote() || isChanged;
    if (isChanged) this.#publish();
    for (const entry of this.#listeners.ready()) this.#listeners.serve(entry);
    let isLess = this.#routes.retain(this.#listeners.neededRoutes());
    isLess = this.#clusters.letGo(new Set([...this.#routes.referredClusters(), ...this.#listeners.referredClusters()])) || isLess;
    if (isLess) this.#publish();
    this.#clusters.retireReplaced();
    this.#advancePhase();
    this.#publishInterests();
    this.#countEntries();
  }

  #publish(): void {
    this.#config.set({
      generation: this.#config.value.generation + 1,
      routes: servingOf(this.#routes.table.entries),
      clusters: servingOf(this.#clusters.table.entries),
    });
  }

  #advancePhase(): void {
    const { lds } = this.#options;
    if (this.#phase.value === 'clusters') {
      if (this.#answers.isPending(TYPE_URLS.cluster, WHOLE_TYPE) || this.#clusters.isAnyPending) return;
      if (lds) this.#answers.expect(TYPE_URLS.listener, WHOLE_TYPE, lds.initialFetchTimeoutMs);
      this.#phase.set('listeners');
    }
    if (this.#phase.value === 'listeners') {
      if (this.#answers.isPending(TYPE_URLS.listener, WHOLE_TYPE) || this.#listeners.isAnyPending) return;
      this.#stats.workersStarted.set(1);
      this.#phase.set('live');
    }
  }

  #publishInterests(): void {
    const wanted = new Map<TypeUrl, Interest>();
    const endpoints = this.#clusters.neededEndpoints();
    const routes = this.#listeners.neededRoutes();
    if (this.#options.cds) wanted.set(TYPE_URLS.cluster, { kind: 'all' });
    wanted.set(TYPE_URLS.endpoint, { kind: 'names', names: endpoints });
    if (this.#options.lds && this.#phase.value !== 'clusters') wanted.set(TYPE_URLS.listener, { kind: 'all' });
    wanted.set(TYPE_URLS.route, { kind: 'names', names: routes });
    this.#answers.retain(TYPE_URLS.endpoint, endpoints);
    this.#answers.retain(TYPE_URLS.route, routes);
    this.#interests.set(wanted);
  }

  #countEntries(): void {
    const clusters = [...this.#clusters.table.entries.values()];
    const listeners = [...this.#listeners.table.entries.values()];
    this.#stats.activeClusters.set(clusters.filter(({ active }) => active !== null).length);
    this.#stats.warmingClusters.set(clusters.filter(({ warming }) => warming !== null).length);
    this.#stats.listenersActive.set(listeners.filter(({ active }) => active !== null).length);
    this.#stats.listenersWarming.set(listeners.filter(({ warming }) => warming !== null).length);
  }
}

function servingOf<T>(entries: ReadonlyMap<string, Entry<T>>): ReadonlyMap<string, T> {
  const serving = new Map<string, T>();
  for (const [name, { active }] of entries) if (active) serving.set(name, active.compiled);
  return serving;
}

function warmingOf<T>(typeUrl: TypeUrl, entries: Iterable<Entry<T>>, waitsFor: (version: Version<T>) => string): Waiting[] {
  return [...entries].flatMap(({ name, warming }) =>
    warming ? [{ typeUrl, name, waitsFor: waitsFor(warming), sinceMs: warming.updatedMs }] : [],
  );
}

function refuseDuplicates(kind: string, resources: readonly NamedResource[]): void {
  const seen = new Set<string>();
  for (const { name } of resources) {
    if (seen.has(name)) throw new RingwayError(`duplicate ${kind} '${name}' in static_resources`, { code: 'CONFIG' });
    seen.add(name);
  }
}

function assertTaken(kind: string, failure: string | null): void {
  if (failure !== null) throw new RingwayError(`static ${kind} ${failure}`, { code: 'CONFIG' });
}
