import { Observable, type ReadonlyObservable, type Service } from '../core/index.ts';
import type { Gauge } from '../telemetry/index.ts';
import { isSameContent } from './keep.ts';
import { type HubDeps, type RingInput, RingWatch } from './ring-watch.ts';
import type { Catalog, Ring } from './types.ts';

/**
 * Keeps the catalog: reads every source of every ring, merges, publishes. A ring is in the catalog from the beginning, without members
 * until a source has spoken. Each merge that differs is published; `version` grows only when the content differs (see Catalog), so a
 * reader who needs no heartbeats compares versions. When a heartbeat or a failing source grows too old, the ring is merged again then.
 */
export class MembershipHub implements Service {
  readonly name = 'membership';
  readonly #deps: HubDeps;
  readonly #catalog: Observable<Catalog>;
  readonly #version: Gauge;
  #watches: ReadonlyMap<string, RingWatch> = new Map();
  #running = false;

  /** Ring names are unique. Reads nothing yet. */
  constructor(rings: readonly RingInput[], deps: HubDeps) {
    this.#deps = deps;
    this.#version = deps.metrics.gauge({ name: 'ringway_catalog_version', help: 'Grows by one for each change of content.' });
    this.#catalog = new Observable<Catalog>({ version: 0, rings: new Map() });
    this.#replace(rings);
  }

  get catalog(): ReadonlyObservable<Catalog> {
    return this.#catalog;
  }

  /** Resolves at once: a source that is down does not hold anybody up. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (const watch of this.#watches.values()) watch.start();
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    await Promise.all([...this.#watches.values()].map((watch) => watch.stop()));
  }

  /** Other rings from now on (a new ringway.yaml). A ring given as the same object goes on; one of a known name begins with what is known. */
  async apply(rings: readonly RingInput[]): Promise<void> {
    const former = [...this.#watches.values()];
    const started = this.#replace(rings);
    const gone = former.filter((watch) => this.#watches.get(watch.input.name) !== watch);
    if (!this.#running) return;
    for (const watch of started) watch.start();
    await Promise.all(gone.map((watch) => watch.stop()));
  }

  /** Every source that waits for changes reads again (SIGHUP). */
  reload(): void {
    for (const watch of this.#watches.values()) watch.reload();
  }

  /** Returns the watches that are new. */
  #replace(rings: readonly RingInput[]): readonly RingWatch[] {
    const former = this.#watches;
    const started: RingWatch[] = [];
    const watches = rings.map((input) => {
      const known = former.get(input.name);
      if (known?.input === input) return known;
      const watch: RingWatch = new RingWatch(input, this.#deps, (ring, isSame) => this.#publish(watch, ring, isSame), known ?? null);
      started.push(watch);
      return watch;
    });
    this.#watches = new Map(watches.map((watch) => [watch.input.name, watch]));
    this.#forgetSeries([...former.values()].filter((watch) => !watches.includes(watch)));
    const { version, rings: before } = this.#catalog.value;
    const after = new Map(watches.map((watch) => [watch.input.name, watch.ring]));
    const isSame = isSameCatalog(before, after);
    if (!isSame || [...after].some(([name, ring]) => before.get(name) !== ring)) this.#set(after, isSame ? version : version + 1);
    return started;
  }

  /** What still runs writes its series anew. */
  #forgetSeries(watches: readonly RingWatch[]): void {
    const names = new Set(watches.map(({ input }) => input.name));
    this.#deps.metrics.remove(({ name, labels }) => /^ringway_(ring|source|member)_/.test(name) && names.has(labels?.['ring'] ?? ''));
  }

  #publish(from: RingWatch, ring: Ring, isSame: boolean): void {
    const { version, rings } = this.#catalog.value;
    if (this.#watches.get(ring.name) !== from || rings.get(ring.name) === ring) return;
    this.#set(new Map([...rings, [ring.name, ring]]), isSame ? version : version + 1);
  }

  #set(rings: ReadonlyMap<string, Ring>, version: number): void {
    this.#version.set(version);
    this.#catalog.set({ version, rings });
  }
}

/** Whether the same rings say the same; their order does not matter. */
function isSameCatalog(before: ReadonlyMap<string, Ring>, after: ReadonlyMap<string, Ring>): boolean {
  return before.size === after.size && [...after].every(([name, ring]) => isKnown(before.get(name), ring));
}

function isKnown(before: Ring | undefined, after: Ring): boolean {
  return before !== undefined && isSameContent(before, after);
}
