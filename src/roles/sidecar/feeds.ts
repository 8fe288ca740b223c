import { type Clock, type Random, type Service, startAll, stopAll, type Timer, timeSlices } from '../../core/index.ts';
import { field } from '../../http2/index.ts';
import type { BootstrapPlan, FeedPlan } from '../../proxy/runtime/index.ts';
import { createAdsTransport } from '../../proxy/upstream/index.ts';
import type { Logger, MetricRegistry } from '../../telemetry/index.ts';
import { AdsClient, type Interests, PathSource, StateFile } from '../../xds/client/index.ts';
import type { ResourceSink } from '../../xds/client/types.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/types.ts';
import type { SidecarRuntime } from './data-plane.ts';

/** How long the stream waits for its own cluster, whose name may take a moment to resolve, before it is tried nevertheless. */
const CLUSTER_WAIT_MS = 1_000;

export interface FeedDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: MetricRegistry;
  readonly logger: Logger;
  /** What takes the configuration: the runtime, or something before it. */
  readonly sink: ResourceSink;
  /** null: nothing is kept. */
  readonly stateDir: string | null;
}

/** Everything that brings configuration while the sidecar runs. */
export interface Feeds extends Service {
  /** `control_plane.identifier`, '' before the first answer. */
  identifier(): string;
}

/** The ADS stream and the watched files that a bootstrap asks for. */
export function createFeeds(plan: BootstrapPlan, runtime: SidecarRuntime, deps: FeedDeps): Feeds {
  const files = [...fileFeed(plan.cds, TYPE_URLS.cluster, deps), ...fileFeed(plan.lds, TYPE_URLS.listener, deps)];
  const stream = plan.ads && new AdsFeed(plan, plan.ads, runtime, deps);
  const feeds: readonly Service[] = stream ? [...files, stream] : files;
  return {
    name: 'feeds',
    start: () => startAll(feeds),
    stop: () => stopAll(feeds),
    identifier: () => stream?.client.identifier.value ?? '',
  };
}

function fileFeed(feed: FeedPlan | null, typeUrl: TypeUrl, deps: FeedDeps): Service[] {
  if (feed?.kind !== 'path') return [];
  const { sink, clock, registry, logger } = deps;
  const watched = feed.watchedDirectory === null ? {} : { watchedDirectory: feed.watchedDirectory };
  const source = new PathSource({ path: feed.path, ...watched, typeUrl, sink, clock, registry, log: logger });
  return [{ name: feed.path, start: () => source.start(), stop: () => source.stop() }];
}

/** The ADS stream, opened when its cluster is there. */
class AdsFeed implements Service {
  readonly name = 'ads';
  readonly client: AdsClient;
  readonly #runtime: SidecarRuntime;
  readonly #cluster: string;
  readonly #fromFiles: ReadonlySet<TypeUrl>;
  readonly #clock: Clock;
  readonly #subscriptions: (() => void)[] = [];
  #timer: Timer | null = null;

  constructor(plan: BootstrapPlan, ads: NonNullable<BootstrapPlan['ads']>, runtime: SidecarRuntime, deps: FeedDeps) {
    const { sink, clock, random, registry, logger, stateDir } = deps;
    const { node } = plan;
    this.#runtime = runtime;
    this.#cluster = ads.cluster;
    this.#fromFiles = new Set([
      ...(plan.cds?.kind === 'path' ? [TYPE_URLS.cluster] : []),
      ...(plan.lds?.kind === 'path' ? [TYPE_URLS.listener] : []),
    ]);
    this.#clock = clock;
    this.client = new AdsClient({
      transport: createAdsTransport({
        cluster: () => runtime.config.value.clusters.get(ads.cluster),
        authority: ads.authority,
        metadata: ads.metadata.map(({ name, value }) => field(name, value)),
        clock,
      }),
      variant: ads.variant,
      node,
      setNodeOnFirstMessageOnly: ads.setNodeOnFirstMessageOnly,
      backoff: ads.backoff,
      sink,
      clock,
      slices: timeSlices(clock),
      random,
      registry,
      log: logger,
      ...(stateDir === null ? {} : { state: new StateFile({ dir: stateDir, node, clock, log: logger }) }),
    });
  }

  start(): Promise<void> {
    const { interests, config } = this.#runtime;
    this.client.want(this.#overAds(interests.value));
    this.#subscriptions.push(interests.subscribe((wanted) => this.client.want(this.#overAds(wanted))));
    this.#subscriptions.push(config.subscribe(() => this.#openWhenPossible()));
    this.#timer = this.#clock.after(CLUSTER_WAIT_MS, () => this.client.start());
    this.#openWhenPossible();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    await this.client.stop();
  }

  /** Without what comes from files. */
  #overAds(interests: Interests): Interests {
    return new Map([...interests].filter(([typeUrl]) => !this.#fromFiles.has(typeUrl)));
  }

  #openWhenPossible(): void {
    if (!this.#runtime.config.value.clusters.has(this.#cluster)) return;
    this.#timer?.cancel();
    this.client.start();
  }
}
