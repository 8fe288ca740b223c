// `ringway sidecar`: bootstrap → compilers → runtime → listeners, fed by xDS, shown by Envoy's admin pages.
import { createProbeServer } from '../admin/index.ts';
import { type Clock, type HostPort, type Random, type Service, startAll, stopAll } from '../core/index.ts';
import { adminPages, createAdminServer } from '../proxy/admin/index.ts';
import type { ServerState } from '../proxy/admin/types.ts';
import { type LoadedBootstrap, planAnnouncement } from '../proxy/bootstrap/index.ts';
import { planBootstrap } from '../proxy/runtime/index.ts';
import { type ForkWorker, sharedSink } from '../proxy/worker/index.ts';
import { type Logger, MetricRegistry } from '../telemetry/index.ts';
import { adminSource } from './sidecar/admin-source.ts';
import { Announcer, type AnnouncerDeps } from './sidecar/announcer.ts';
import { createDataPlane, type DataPlane } from './sidecar/data-plane.ts';
import { createFeeds } from './sidecar/feeds.ts';
import type { LevelSwitch } from './sidecar/level-switch.ts';
import { Lifecycle } from './sidecar/lifecycle.ts';
import { createWorkers } from './sidecar/workers.ts';

export interface SidecarOptions {
  readonly bootstrap: LoadedBootstrap['bootstrap'];
  readonly version: string;
  /** As `/server_info` shows it. */
  readonly commandLine: Readonly<Record<string, unknown>>;
  /** `--concurrency`: how many processes share the ports, this one among them; at least 1. */
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
  /** Starts a process that runs `createSidecarWorker`; not called with a concurrency of 1. */
  readonly forkWorker: ForkWorker;
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
  /** Open connections of all listeners. */
  readonly connections: number;
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
  const place = { kind: options.concurrency > 1 ? 'first' : 'alone' } as const;
  const plane = createDataPlane(plan, { ...deps, registry, drainTimeMs: options.drainTimeMs, place });
  const { runtime, book, accessLogs } = plane;
  const workers = place.kind === 'first' ? createWorkers(plan, plane, { ...options, ...deps, registry }) : null;
  const sink = workers ? sharedSink(runtime, workers) : runtime;
  const feeds = createFeeds(plan, runtime, { ...deps, sink, registry, stateDir: options.stateDir });
  const announced = planAnnouncement(options.bootstrap);
  const announcer = announced && new Announcer(announced, announcerDeps(options, deps, registry, plane));
  const lifecycle = new Lifecycle(() => runtime.phase.value);
  const quit = new AbortController();
  const source = adminSource({ ...options, ...deps, registry, plan, plane, feeds, lifecycle, quit, workers });
  const admin = plan.admin && createAdminServer({ listen: plan.admin, pages: adminPages(source), slices: source.slices });
  const ready = (): { ok: boolean; text: string } => ({ ok: lifecycle.state === 'LIVE', text: lifecycle.state });
  const probes = options.probe && createProbeServer({ listen: options.probe, clock, ready });
  const services: readonly Service[] = [
    // Whoever asks is answered to the very end.
    ...(probes ? [probes] : []),
    ...(admin ? [admin] : []),
    { name: 'access logs', start: done, stop: () => accessLogs.stop() },
    ...(announcer ? [announcer.leaving] : []),
    // Ready before the port is open: else the first process would have every early connection.
    ...(workers ? [{ name: 'workers', start: () => workers.start(), stop: () => workers.stop() }] : []),
    { name: 'runtime', start: () => runtime.start(), stop: () => done(runtime.stop()) },
    {
      name: 'listeners',
      start: () => done(workers?.open()),
      stop: async () => void (await Promise.all([book.drainAll(), workers?.stop()])),
    },
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
    get connections() {
      return book.connections;
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
    reopenLogs() {
      accessLogs.reopen();
      workers?.tell({ kind: 'reopen-logs' });
    },
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

function done(_: unknown = undefined): Promise<void> {
  return Promise.resolve();
}
