import type { HostPort } from '../../core/index.ts';
import type { MetricId } from '../../telemetry/index.ts';
import type { ResourceFailure, ResourceUpdate } from '../../xds/client/types.ts';
import type { Feed, LimitsPlan, NamedResource } from '../runtime/index.ts';

/** Where the first process takes connections, by the listener's name. */
export type OpenPorts = ReadonlyMap<string, HostPort>;

/** What a worker is made of. Nothing of it is bound or resolved before `start`. */
export interface InitMessage {
  readonly kind: 'init';
  /** From 1: the first process is 0. */
  readonly worker: number;
  readonly drainTimeMs: number;
  /** Of Envoy's names. */
  readonly logLevel: string;
  readonly plan: {
    readonly clusters: readonly NamedResource[];
    readonly listeners: readonly NamedResource[];
    readonly limits: LimitsPlan;
    readonly cds: Feed | null;
    readonly lds: Feed | null;
  };
}

/** From the first process to a worker. What carries a `seq` is answered with it. */
export type ToWorker =
  | InitMessage
  /** Everything that was accepted so far, in an order that can be applied. */
  | { readonly kind: 'start'; readonly logLevel: string; readonly openPorts: OpenPorts; readonly updates: readonly ResourceUpdate[] }
  | { readonly kind: 'update'; readonly seq: number; readonly openPorts: OpenPorts; readonly update: ResourceUpdate }
  | { readonly kind: 'report'; readonly seq: number }
  | { readonly kind: 'drain-connections' }
  | { readonly kind: 'drain-listeners'; readonly isGraceful: boolean; readonly isInboundOnly: boolean }
  | { readonly kind: 'log-level'; readonly level: string }
  | { readonly kind: 'reopen-logs' }
  /** Drain and end. */
  | { readonly kind: 'stop' };

/** From a worker to the first process. */
export type FromWorker =
  /** Compiled; it may be started. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'applied'; readonly seq: number; readonly failures: readonly ResourceFailure[] }
  /** Of what it was told at its start. */
  | { readonly kind: 'refused'; readonly failures: readonly ResourceFailure[] }
  /** `seq` null: not asked for. */
  | { readonly kind: 'report'; readonly seq: number | null; readonly report: WorkerReport };

/** A series is named once and called by its index afterwards. */
export interface SeriesDefinition {
  readonly index: number;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly id: MetricId;
  /** It is a second name of the series of this index, and has no growth of its own. */
  readonly aliasOf?: number;
}

/** What changed since the last report. */
export interface WorkerReport {
  readonly defined: readonly SeriesDefinition[];
  /** Indexes of series that are gone with their cluster or listener. */
  readonly removed: readonly number[];
  /** index, growth; index, growth; … */
  readonly counters: Float64Array;
  /** index, value; … */
  readonly gauges: Float64Array;
  readonly histograms: readonly HistogramGrowth[];
  readonly hosts: readonly HostGrowth[];
  /** Open downstream connections. */
  readonly connections: number;
  /** Bytes, as process.memoryUsage gives them. */
  readonly memory: WorkerMemory;
}

export interface HistogramGrowth {
  readonly index: number;
  readonly sum: number;
  /** By bucket. */
  readonly counts: readonly number[];
}

/** One address of one cluster: growth of counters, and gauges as they are. */
export interface HostGrowth {
  readonly cluster: string;
  readonly address: string;
  /** In the order of HOST_COUNTERS. */
  readonly counters: readonly number[];
  readonly gauges: HostGauges;
}

/** What one process has under way to an address. */
export interface HostGauges {
  readonly cxActive: number;
  readonly rqActive: number;
  readonly rqPendingActive: number;
  /** Whether outlier detection keeps it out there. */
  readonly isEjected: boolean;
}

/** Fields of Host that only grow, in the order in which HostGrowth has them. */
export const HOST_COUNTERS = ['cxTotal', 'cxConnectFail', 'rqTotal', 'rqSuccess', 'rqError', 'rqTimeout'] as const;

export interface WorkerMemory {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}
