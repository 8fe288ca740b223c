import { type Clock, type Random, sleep } from '../../core/index.ts';
import type { Counter, Gauge, Logger, MetricRegistry, Series } from '../../telemetry/index.ts';
import type { ResourceFailure, ResourceUpdate } from '../../xds/client/types.ts';
import { type Clusters, HostMerge } from './host-report.ts';
import type { HostGauges, InitMessage, OpenPorts, ToWorker, WorkerMemory, WorkerReport } from './messages.ts';
import { SeriesMerge } from './series-merge.ts';
import { type ForkWorker, WorkerSlot } from './worker-slot.ts';

/** How long a start waits for workers: later they serve all the same. */
const START_MS = 10_000;
/** How long an update waits until every worker has it. */
const APPLY_MS = 10_000;
/** How long a page waits for fresh figures. */
const REPORT_MS = 250;
/** What a worker may take to end beyond its drain time. */
const STOP_SLACK_MS = 2_000;

export interface WorkerPoolOptions {
  /** Processes beside this one. */
  readonly size: number;
  readonly fork: ForkWorker;
  readonly init: (worker: number) => InitMessage;
  /** What brings a worker to where the first process is. */
  readonly begin: () => ToWorker;
  readonly openPorts: () => OpenPorts;
  /** Those that serve in this process. */
  readonly clusters: () => Clusters;
  readonly drainTimeMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly registry: MetricRegistry;
}

interface PoolStats {
  readonly live: Gauge;
  readonly restarts: Counter;
  readonly refused: Counter;
  readonly late: Counter;
}

/** The processes that carry requests beside the first one: keeps them alike, adds up what they count. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #stats: PoolStats;
  readonly #series: SeriesMerge;
  readonly #hosts = new HostMerge();
  readonly #slots: readonly WorkerSlot[];
  readonly #latest = new Map<number, Pick<WorkerReport, 'connections' | 'memory'>>();

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#stats = createPoolStats(options.registry);
    this.#series = new SeriesMerge(options.registry);
    this.#slots = Array.from({ length: options.size }, (_, i) => this.#slot(i + 1));
  }

  /** Starts them all. Resolves when each is ready to serve or has failed, and after ten seconds in any case. */
  async start(): Promise<void> {
    const over = new AbortController();
    const ready = Promise.all(this.#slots.map((slot) => slot.start()));
    await Promise.race([ready, sleep(this.#options.clock, START_MS, over.signal)]);
    over.abort();
  }

  /** The first process has its ports: from now on they serve. */
  open(): void {
    for (const slot of this.#slots) slot.open();
  }

  /** Hands on what the first process has accepted. Resolves when every worker serves it; one that cannot is logged and counted. */
  async apply(update: ResourceUpdate): Promise<void> {
    const openPorts = this.#options.openPorts();
    await Promise.all(
      this.#slots.map(async (slot) => {
        if (!slot.isServing) return;
        const answer = await slot.ask((seq) => ({ kind: 'update', seq, openPorts, update }), APPLY_MS);
        if (answer?.kind === 'applied') this.#onRefused(slot.worker, answer.failures);
        else if (slot.isServing) this.#onLate(slot.worker, update);
      }),
    );
  }

  /** Tells those that serve. */
  tell(message: ToWorker): void {
    for (const slot of this.#slots) slot.tell(message);
  }

  /** Asks for fresh figures; who does not answer within 250 ms is shown as it was. */
  async refresh(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.ask((seq) => ({ kind: 'report', seq }), REPORT_MS)));
  }

  /** Every series of the sidecar. */
  seriesInSteps(): Generator<undefined, readonly Series[]> {
    return this.#series.seriesInSteps();
  }

  /** What workers have under way to an address. */
  elsewhere(cluster: string, address: string): HostGauges {
    return this.#hosts.elsewhere(cluster, address);
  }

  /** Open downstream connections of workers. */
  get connections(): number {
    return [...this.#latest.values()].reduce((sum, { connections }) => sum + connections, 0);
  }

  /** `own` and what workers take. */
  memory(own: WorkerMemory): WorkerMemory {
    return [...this.#latest.values()].reduce((sum, { memory }) => addMemory(sum, memory), own);
  }

  /** Has them drain and end. */
  async stop(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop(this.#options.drainTimeMs + STOP_SLACK_MS)));
  }

  #slot(worker: number): WorkerSlot {
    const { fork, init, begin, clock, random, log } = this.#options;
    return new WorkerSlot({
      worker,
      fork,
      init: () => init(worker),
      begin: () => {
        this.#stats.live.add(1);
        this.#latest.set(worker, NOTHING);
        return begin();
      },
      clock,
      random,
      log,
      onReport: (report) => this.#onReport(worker, report),
      onRefused: (failures) => this.#onRefused(worker, failures),
      onEnd: () => this.#onEnd(worker),
      onRestart: () => this.#stats.restarts.inc(),
    });
  }

  #onReport(worker: number, report: WorkerReport): void {
    this.#series.take(worker, report);
    this.#hosts.take(worker, report.hosts, this.#options.clusters());
    this.#latest.set(worker, report);
  }

  #onEnd(worker: number): void {
    if (this.#latest.delete(worker)) this.#stats.live.add(-1);
    this.#series.end(worker);
    this.#hosts.end(worker);
  }

  #onRefused(worker: number, failures: readonly ResourceFailure[]): void {
    for (const { name, message } of failures) {
      this.#stats.refused.inc();
      this.#options.log.error('worker.refused', { worker, name }, `a worker refuses what the first process serves: ${message}`);
    }
  }

  #onLate(worker: number, { typeUrl, version }: ResourceUpdate): void {
    this.#stats.late.inc();
    this.#options.log.error('worker.late', { worker, type: typeUrl, version }, 'a worker does not serve an update yet');
  }
}

const NOTHING: Pick<WorkerReport, 'connections' | 'memory'> = {
  connections: 0,
  memory: { rss: 0, heapTotal: 0, heapUsed: 0, external: 0 },
};

function addMemory(one: WorkerMemory, other: WorkerMemory): WorkerMemory {
  return {
    rss: one.rss + other.rss,
    heapTotal: one.heapTotal + other.heapTotal,
    heapUsed: one.heapUsed + other.heapUsed,
    external: one.external + other.external,
  };
}

function createPoolStats(registry: MetricRegistry): PoolStats {
  return {
    live: registry.gauge({
      name: 'ringway_workers_serving',
      stat: 'ringway.workers_serving',
      help: 'Processes that carry requests beside the first.',
    }),
    restarts: registry.counter({
      name: 'ringway_workers_restarted',
      stat: 'ringway.workers_restarted',
      help: 'Workers that had ended and were started again.',
    }),
    refused: registry.counter({
      name: 'ringway_workers_refused',
      stat: 'ringway.workers_refused',
      help: 'Resources that a worker refused though the first process serves them.',
    }),
    late: registry.counter({
      name: 'ringway_workers_late',
      stat: 'ringway.workers_late',
      help: 'Updates that a worker did not serve within ten seconds.',
    }),
  };
}
