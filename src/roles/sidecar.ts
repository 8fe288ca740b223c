// `ringway sidecar`: bootstrap → compilers → runtime → listeners, fed by xDS, shown by Envoy's admin pages.
import { createProbeServer } from '../admin/index.ts';
import { type Clock, type HostPort, type Random, type Service, startAll, stopAll } from '../core/index.ts';
import { type AdminSource, adminPages, createAdminServer, ServerStats } from '../proxy/admin/index.ts';
import type { ServerState } from '../proxy/admin/types.ts';
import { type LoadedBootstrap, planAnnouncement } from '../proxy/bootstrap/index.ts';
import type { Cluster } from '../proxy/cluster/index.ts';
import { type BootstrapPlan, planBootstrap } from '../proxy/runtime/index.ts';
import { type Logger, MetricRegistry } from '../telemetry/index.ts';
import { Announcer, type AnnouncerDeps } from './sidecar/announcer.ts';
import { createDataPlane, type DataPlane } from './sidecar/data-plane.ts';
import { createFeeds, type Feeds } from './sidecar/feeds.ts';
import type { LevelSwitch } from './sidecar/level-switch.ts';
import { Lifecycle } from './sidecar/lifecycle.ts';

export interface SidecarOptions {
  readonly bootstrap: LoadedBootstrap['bootstrap'];
  readonly version: string;
  /** As `/server_info` shows it. */
  readonly commandLine: Readonly<Record<string, unknown>>;
  /** `--concurrency`, reported and otherwise without effect. */
  readonly concurrency: number;
  /** How long connections may go on after they were asked to go. */
  readonly drainTimeMs: number;
  /** Where the last accepted configuration is kept; null: nowhere. */
  readonly stateDir: string | null;
  /** Where probes alone are answered; null: nowhere but on the admin pages. */
  readonly probe: HostPort | null;
}

export interface SidecarDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Behind `levels`. */
  readonly logger: Logger;
  readonly levels: LevelSwitch;
  /** Of the process: where $POD_IP may stand. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * A running sidecar. `stop` drains: it fails readiness, says LEAVING to the ring that it announces itself to, closes ports, asks
 * connections to go and waits for them, and leaves that ring.
 */
export interface SidecarRole extends Service {
  /** host:port of what is bound; null for what there is none of. They throw before `start`. */
  readonly addresses: { readonly admin: string | null; readonly probe: string | null };
  /** Bound listeners. */
  readonly listeners: readonly { readonly name: string; readonly address: HostPort }[];
  readonly state: ServerState;
  /** Aborts at POST /quitquitquit. */
  readonly quit: AbortSignal;
  /** Opens access logs anew (SIGUSR1). */
  reopenLogs(): void;
}

/**
 * Compiles everything; nothing is bound or connected before `start`. Throws RingwayError `CONFIG` for what cannot be done; `start` throws
 * when an address cannot be bound.
 */
export function createSidecar(options: SidecarOptions, deps: SidecarDeps): SidecarRole {
  const { clock } = deps;
  const registry = new MetricRegistry();
  const plan = planBootstrap(options.bootstrap, options.version);
  const plane = createDataPlane(plan, { ...deps, registry, drainTimeMs: options.drainTimeMs });
  const { runtime, book, accessLogs } = plane;
  const feeds = createFeeds(plan, runtime, { ...deps, registry, stateDir: options.stateDir });
  const announced = planAnnouncement(options.bootstrap);
  const announcer = announced && new Announcer(announced, announcerDeps(options, deps, registry, plane));
  const lifecycle = new Lifecycle(() => runtime.phase.value);
  const quit = new AbortController();
  const pages = adminPages(adminSource({ options, deps, registry, plan, plane, feeds, lifecycle, quit }));
  const admin = plan.admin && createAdminServer({ listen: plan.admin, pages });
  const ready = (): { ok: boolean; text: string } => ({ ok: lifecycle.state === 'LIVE', text: lifecycle.state });
  const probes = options.probe && createProbeServer({ listen: options.probe, clock, ready });
  const services: readonly Service[] = [
    // Whoever asks is answered to the very end.
    ...(probes ? [probes] : []),
    ...(admin ? [admin] : []),
    { name: 'access logs', start: done, stop: () => done(accessLogs.stop()) },
    ...(announcer ? [announcer.leaving] : []),
    { name: 'runtime', start: () => runtime.start(), stop: () => done(runtime.stop()) },
    { name: 'listeners', start: done, stop: () => book.drainAll() },
    // Last in, first out: while connections drain nothing changes any more.
    feeds,
    // A member joins when it can be reached, and queriers hear that it leaves before it cannot.
    ...(announcer ? [announcer.announcing] : []),
  ];
  return {
    name: 'sidecar',
    get addresses() {
      return { admin: admin?.address ?? null, probe: probes?.address ?? null };
    },
    get listeners() {
      return book.views();
    },
    get state() {
      return lifecycle.state;
    },
    quit: quit.signal,
    start: () => startAll(services),
    stop() {
      lifecycle.drain();
      return stopAll(services);
    },
    reopenLogs: () => accessLogs.reopen(),
  };
}

function announcerDeps(
  { drainTimeMs }: SidecarOptions,
  deps: SidecarDeps,
  metrics: MetricRegistry,
  { runtime, book }: DataPlane,
): AnnouncerDeps {
  const boundAddress = (name: string): HostPort | undefined => book.views().find((listener) => listener.name === name)?.address;
  return { ...deps, metrics, drainTimeMs, phase: runtime.phase, boundAddress };
}

/** What the admin pages show and do. */
interface Parts {
  readonly options: SidecarOptions;
  readonly deps: SidecarDeps;
  readonly registry: MetricRegistry;
  readonly plan: BootstrapPlan;
  readonly plane: DataPlane;
  readonly feeds: Feeds;
  readonly lifecycle: Lifecycle;
  readonly quit: AbortController;
}

function adminSource({ options, deps, registry, plan, plane: { runtime, book }, feeds, lifecycle, quit }: Parts): AdminSource {
  const { clock, random, logger, levels } = deps;
  const startedMs = clock.nowMs();
  const shared = { registry, clock, state: () => lifecycle.state, memory: () => process.memoryUsage() };
  const stats = new ServerStats({ ...shared, startedMs, connections: () => book.connections, concurrency: options.concurrency });
  runtime.phase.subscribe((phase) => {
    if (phase !== 'live') return;
    stats.initialized();
    logger.info('sidecar.live', { ms: clock.nowMs() - startedMs }, 'all that was there at the start serves');
  });
  return {
    ...shared,
    random,
    info: { version: `ringway/${options.version}`, startedMs, commandLine: options.commandLine, node: plan.json.node },
    controls: {
      quit: () => quit.abort(),
      failHealthcheck(isFailed) {
        lifecycle.fail(isFailed);
        if (isFailed) book.drainConnections();
      },
      drainListeners: (request) => book.drainListeners(request),
    },
    logs: levels,
    dump: { bootstrap: plan.json.bootstrap, bootstrapAtMs: startedMs, resources: () => runtime.resources() },
    routes: () => [...runtime.config.value.routes.values()],
    refreshStats: () => stats.refresh(),
    textStats: () => new Map([['control_plane.identifier', feeds.identifier()]]),
    clusters: () =>
      runtime.resources().clusters.flatMap(({ active, origin }) => {
        return active ? [{ cluster: active.compiled as Cluster, isAddedViaApi: origin === 'dynamic' }] : [];
      }),
    listeners: () => book.views(),
    waiting: () => runtime.waiting(),
  };
}

function done(_: unknown = undefined): Promise<void> {
  return Promise.resolve();
}
