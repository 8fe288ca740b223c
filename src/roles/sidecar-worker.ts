// One process beside the first of `ringway sidecar --concurrency N`: the same data plane, told by the first what to serve.
import { type Clock, type HostPort, messageOf, type Random, type Timer } from '../core/index.ts';
import { LOG_LEVELS, type LogControls } from '../proxy/admin/types.ts';
import {
  type FromWorker,
  HostReporter,
  type InitMessage,
  type OpenPorts,
  SeriesReporter,
  type ToWorker,
  type WorkerReport,
} from '../proxy/worker/index.ts';
import { type Logger, MetricRegistry } from '../telemetry/index.ts';
import type { ReceivedResource, ResourceFailure, ResourceUpdate } from '../xds/client/types.ts';
import { createDataPlane, type DataPlane } from './sidecar/data-plane.ts';

/** How often figures are sent that nobody asked for: a worker that is killed loses what it counted since. */
const REPORT_EVERY_MS = 5_000;

export interface SidecarWorkerDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Behind `levels`. */
  readonly logger: Logger;
  readonly levels: LogControls;
  /** Of the process: where DataSources may find certificates and keys. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** To the first process. */
  send(message: FromWorker): void;
}

/** Carries requests as the first process does. */
export interface SidecarWorker {
  /** Open connections of all listeners. */
  readonly connections: number;
  /** Does what a message says, all but `init` and `stop`. */
  take(message: ToWorker): void;
  /** Closes ports, lets connections end within `drainTimeMs`, and says what was counted. */
  stop(drainTimeMs?: number): Promise<void>;
}

/** Compiles what the bootstrap of the first process says, and says that it is ready. Throws RingwayError `CONFIG`. */
export function createSidecarWorker(init: InitMessage, deps: SidecarWorkerDeps): SidecarWorker {
  setLevel(deps.levels, init.logLevel);
  const registry = new MetricRegistry();
  const openPorts = new Map<string, HostPort>();
  const place = { kind: 'beside', worker: init.worker, openPorts } as const;
  const plane = createDataPlane(init.plan, { ...deps, registry, drainTimeMs: init.drainTimeMs, place });
  deps.send({ kind: 'ready' });
  return new Worker(plane, registry, openPorts, deps);
}

class Worker implements SidecarWorker {
  readonly #plane: DataPlane;
  readonly #openPorts: Map<string, HostPort>;
  readonly #deps: SidecarWorkerDeps;
  readonly #series: SeriesReporter;
  readonly #hosts = new HostReporter();
  #turn: Promise<void> = Promise.resolve();
  #timer: Timer | null = null;

  constructor(plane: DataPlane, registry: MetricRegistry, openPorts: Map<string, HostPort>, deps: SidecarWorkerDeps) {
    this.#plane = plane;
    this.#openPorts = openPorts;
    this.#deps = deps;
    this.#series = new SeriesReporter(registry);
  }

  get connections(): number {
    return this.#plane.book.connections;
  }

  take(message: ToWorker): void {
    const { book, accessLogs } = this.#plane;
    if (message.kind === 'start') this.#start(message);
    if (message.kind === 'update') this.#update(message);
    if (message.kind === 'report') this.#deps.send({ kind: 'report', seq: message.seq, report: this.#report() });
    if (message.kind === 'drain-connections') book.drainConnections();
    if (message.kind === 'drain-listeners') book.drainListeners(message);
    if (message.kind === 'log-level') setLevel(this.#deps.levels, message.level);
    if (message.kind === 'reopen-logs') accessLogs.reopen();
  }

  async stop(drainTimeMs?: number): Promise<void> {
    const { runtime, book, accessLogs } = this.#plane;
    await book.drainAll(drainTimeMs);
    this.#timer?.cancel();
    this.#deps.send({ kind: 'report', seq: null, report: this.#report() });
    runtime.stop();
    await accessLogs.stop();
  }

  #start({ logLevel, openPorts, updates }: Extract<ToWorker, { kind: 'start' }>): void {
    setLevel(this.#deps.levels, logLevel);
    this.#setPorts(openPorts);
    this.#turn = this.#plane.runtime.start();
    for (const update of updates) this.#apply(update, (failures) => this.#onRefused(failures));
    this.#reportLater();
  }

  #update({ seq, openPorts, update }: Extract<ToWorker, { kind: 'update' }>): void {
    this.#setPorts(openPorts);
    this.#apply(update, (failures) => this.#deps.send({ kind: 'applied', seq, failures }));
  }

  /** One at a time, in the order of messages. */
  #apply(update: ResourceUpdate, onDone: (failures: readonly ResourceFailure[]) => void): void {
    const own = { ...update, upserts: update.upserts.map(ownBytes) };
    const step = async (): Promise<void> => onDone(await this.#plane.runtime.apply(own));
    this.#turn = this.#turn.then(step).catch((error: unknown) => {
      this.#deps.logger.error('worker.bug', { stack: error instanceof Error ? error.stack : '' }, `applying threw: ${messageOf(error)}`);
    });
  }

  #onRefused(failures: readonly ResourceFailure[]): void {
    if (failures.length > 0) this.#deps.send({ kind: 'refused', failures });
  }

  #setPorts(ports: OpenPorts): void {
    this.#openPorts.clear();
    for (const [name, at] of ports) this.#openPorts.set(name, at);
  }

  #reportLater(): void {
    this.#timer = this.#deps.clock.after(REPORT_EVERY_MS, () => {
      this.#reportLater();
      const report = this.#report();
      if (hasNews(report)) this.#deps.send({ kind: 'report', seq: null, report });
    });
  }

  #report(): WorkerReport {
    const { book, runtime } = this.#plane;
    const hosts = this.#hosts.take(runtime.config.value.clusters);
    return { ...this.#series.take(), hosts, connections: book.connections, memory: process.memoryUsage() };
  }
}

function hasNews({ counters, gauges, histograms, removed }: WorkerReport): boolean {
  return counters.length + gauges.length + histograms.length + removed.length > 0;
}

function setLevel(levels: LogControls, name: string): void {
  const level = LOG_LEVELS.find((known) => known === name);
  if (level) levels.setLevel(level);
}

/** A resource of its own: one that was kept would keep the whole message that it came in. */
function ownBytes(resource: ReceivedResource): ReceivedResource {
  return { ...resource, value: resource.value.slice() };
}
