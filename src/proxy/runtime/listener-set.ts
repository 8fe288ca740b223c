import { type Clock, messageOf, RingwayError } from '../../core/index.ts';
import { TYPE_URLS } from '../../xds/types.ts';
import type { FirstAnswers } from './first-answers.ts';
import { type Entry, type NamedResource, ResourceTable, type Version } from './resource-table.ts';
import type { RuntimeStats } from './runtime-stats.ts';
import type { ListenerPort, ResourceCompiler } from './types.ts';

export interface ListenerSetOptions<Listener> {
  readonly compiler: ResourceCompiler<Listener>;
  readonly port: ListenerPort<Listener>;
  readonly answers: FirstAnswers;
  readonly clock: Clock;
  readonly stats: RuntimeStats;
  readonly isClusterPending: (name: string) => boolean;
  readonly isClusterKnown: (name: string) => boolean;
  /** What missing routes of this name mean for a listener; '' when it may serve. */
  readonly missingRoutes: (name: string) => string;
}

/** Listeners: bound as soon as they are accepted, serving as soon as their routes and the clusters those name may. */
export class ListenerSet<Listener> {
  readonly table: ResourceTable<Listener>;
  readonly #options: ListenerSetOptions<Listener>;

  constructor(options: ListenerSetOptions<Listener>) {
    this.#options = options;
    this.table = new ResourceTable(options.compiler, options.clock);
  }

  /** Takes a static listener without binding it. Returns why not, or null. */
  load(resource: NamedResource): string | null {
    const version = this.#compile(resource);
    if (typeof version === 'string' || version === null) return version;
    this.table.warm(resource.name, 'static', version);
    return null;
  }

  /** Binds every static listener. Rejects with RingwayError `BIND` for the first that cannot be. */
  async bindAll(): Promise<void> {
    for (const { name, warming } of this.table.entries.values()) {
      if (!warming) continue;
      try {
        await this.#bind(warming, null);
      } catch (error) {
        throw new RingwayError(`listener '${name}': ${messageOf(error)}`, { code: 'BIND', cause: error });
      }
      this.#options.stats.listenerAdded.inc();
    }
  }

  /** Takes a dynamic listener and binds it. Resolves with why not, or null. */
  async upsert(resource: NamedResource): Promise<string | null> {
    // As in Envoy, a static listener is not replaced by a dynamic one of its name.
    if (this.table.entries.get(resource.name)?.origin === 'static') return null;
    const version = this.#compile(resource);
    if (typeof version === 'string' || version === null) return version;
    const entry = this.table.entries.get(resource.name);
    const { stats, port } = this.#options;
    try {
      await this.#bind(version, (entry?.active ?? entry?.warming)?.compiled ?? null);
    } catch (error) {
      return this.table.refuse(resource, messageOf(error));
    }
    (entry?.active || entry?.warming ? stats.listenerModified : stats.listenerAdded).inc();
    const unused = this.table.warm(resource.name, 'dynamic', version);
    if (unused) port.retire(unused.compiled);
    return null;
  }

  remove(name: string): void {
    const entry = this.table.entries.get(name);
    if (!entry || entry.origin === 'static') return;
    this.table.entries.delete(name);
    for (const version of versionsOf(entry)) this.#options.port.retire(version.compiled);
    if (entry.active || entry.warming) this.#options.stats.listenerRemoved.inc();
  }

  /** Listeners that may serve now and did not: hand them to `serve` once the configuration they need is published. */
  ready(): Entry<Listener>[] {
    return [...this.table.entries.values()].filter(({ warming }) => warming !== null && this.waitsFor(warming) === '');
  }

  serve(entry: Entry<Listener>): void {
    const replaced = this.table.promote(entry);
    if (entry.active) this.#options.port.serve(entry.active.compiled);
    if (replaced) this.#options.port.retire(replaced.compiled);
  }

  waitsFor(version: Version<Listener>): string {
    const { missingRoutes, isClusterPending } = this.#options;
    for (const name of version.dependencies.routes ?? []) {
      const missing = missingRoutes(name);
      if (missing !== '') return missing;
    }
    const pending = version.dependencies.clusters?.find(isClusterPending);
    return pending === undefined ? '' : `cluster "${pending}" (CDS)`;
  }

  get isAnyPending(): boolean {
    return [...this.table.entries.values()].some(({ active, warming }) => active === null && warming !== null);
  }

  neededRoutes(): ReadonlySet<string> {
    const versions = [...this.table.entries.values()].flatMap(versionsOf);
    return new Set(versions.flatMap(({ dependencies }) => dependencies.routes ?? []));
  }

  /** Clusters that inline routes of listeners name. */
  referredClusters(): string[] {
    return [...this.table.entries.values()].flatMap(({ active }) => active?.dependencies.clusters ?? []);
  }

  /** Begins the fetch of every route configuration that some listener needs. */
  expectRoutes(): void {
    for (const entry of this.table.entries.values())
      for (const { dependencies } of versionsOf(entry))
        for (const name of dependencies.routes ?? [])
          this.#options.answers.expect(TYPE_URLS.route, name, dependencies.initialFetchTimeoutMs);
  }

  #compile(resource: NamedResource): Version<Listener> | string | null {
    const offer = this.table.offer(resource);
    if (offer.kind !== 'compiled') return offer.kind === 'refused' ? offer.message : null;
    const { clusters = [], clustersMustExist } = offer.version.dependencies;
    const unknown = clustersMustExist ? clusters.find((name) => !this.#options.isClusterKnown(name)) : undefined;
    return unknown === undefined ? offer.version : this.table.refuse(resource, `route: unknown cluster '${unknown}'`);
  }

  async #bind({ compiled }: Version<Listener>, replaces: Listener | null): Promise<void> {
    const { port, stats } = this.#options;
    try {
      await port.bind(compiled, replaces);
      stats.listenerCreateSuccess.inc();
    } catch (error) {
      stats.listenerCreateFailure.inc();
      throw error;
    }
  }
}

function versionsOf<T>({ active, warming }: Entry<T>): Version<T>[] {
  return [active, warming].filter((version) => version !== null);
}
