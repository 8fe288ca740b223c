import type { Clock, TimeSlices } from '../../core/index.ts';
import { TYPE_URLS } from '../../xds/types.ts';
import type { FirstAnswers } from './first-answers.ts';
import { type Entry, type NamedResource, ResourceTable, type Version } from './resource-table.ts';
import type { ResourceCompiler } from './types.ts';

export interface RouteSetOptions<Route> {
  readonly compiler: ResourceCompiler<Route>;
  readonly answers: FirstAnswers;
  readonly clock: Clock;
  readonly slices: TimeSlices;
  /** True for a cluster that may come soon: routes that name it wait with it. */
  readonly isClusterPending: (name: string) => boolean;
}

/** Route configurations by name. One that names a cluster which still warms serves only once that cluster does. */
export class RouteSet<Route> {
  readonly table: ResourceTable<Route>;
  readonly #options: RouteSetOptions<Route>;

  constructor(options: RouteSetOptions<Route>) {
    this.#options = options;
    this.table = new ResourceTable(options.compiler, options.clock);
  }

  /** Takes routes that a listener needs (`needed`); others are ignored. Resolves with why not, or null. */
  async upsert(resource: NamedResource, needed: ReadonlySet<string>): Promise<string | null> {
    if (!needed.has(resource.name)) return null;
    const offer = await this.table.offerInSlices(resource, this.#options.slices);
    this.#options.answers.settle(TYPE_URLS.route, resource.name);
    if (offer.kind !== 'compiled') return offer.kind === 'refused' ? offer.message : null;
    this.table.warm(resource.name, 'dynamic', offer.version);
    return null;
  }

  /** The server has no such routes: what serves goes on (as in Envoy), what waits goes on without. */
  remove(name: string): void {
    this.#options.answers.settle(TYPE_URLS.route, name);
  }

  promote(): boolean {
    let isChanged = false;
    for (const entry of this.table.entries.values()) {
      if (!entry.warming || this.waitsFor(entry.warming) !== '') continue;
      this.table.promote(entry);
      isChanged = true;
    }
    return isChanged;
  }

  /** Forgets routes that no listener needs any more. Returns whether anything changed. */
  retain(needed: ReadonlySet<string>): boolean {
    let isChanged = false;
    for (const name of this.table.entries.keys()) {
      if (needed.has(name)) continue;
      this.table.entries.delete(name);
      isChanged = true;
    }
    return isChanged;
  }

  waitsFor(version: Version<Route>): string {
    const pending = version.dependencies.clusters?.find((name) => this.#options.isClusterPending(name));
    return pending === undefined ? '' : `cluster "${pending}" (CDS)`;
  }

  /** What a listener waits for that needs these routes; '' when it may serve, with or without them. */
  missing(name: string): string {
    const entry = this.table.entries.get(name);
    if (entry?.active) return '';
    if (entry?.warming) return `routes "${name}", which wait for ${this.waitsFor(entry.warming)}`;
    return this.#options.answers.isPending(TYPE_URLS.route, name) ? `routes "${name}" (RDS)` : '';
  }

  /** Clusters that serving routes name. */
  referredClusters(): string[] {
    return [...this.table.entries.values()].flatMap(({ active }: Entry<Route>) => active?.dependencies.clusters ?? []);
  }
}
