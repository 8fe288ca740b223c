import type { Clock, Random, TimeSlices } from '../../../core/index.ts';
import type { Series } from '../../../telemetry/index.ts';
import type { Waiting } from '../../runtime/index.ts';
import type { DumpSource } from '../config-dump/dump.ts';
import { type AdminPage, json } from '../page.ts';
import type { LogControls, ServerControls, ServerInfo, ServerState } from '../types.ts';
import { type ClusterView, clustersPage } from './clusters.ts';
import { configDumpPage } from './config-dump.ts';
import { type ExplainSource, explainPage } from './explain.ts';
import { initDumpPage } from './init-dump.ts';
import { lifecyclePages } from './lifecycle.ts';
import { type ListenerView, listenersPage } from './listeners.ts';
import { loggingPage } from './logging.ts';
import { type MemoryUse, processPages } from './process.ts';
import { runtimePage } from './runtime.ts';
import { statsPages } from './stats.ts';

/** Everything the admin pages show and do. */
export interface AdminSource {
  readonly info: ServerInfo;
  readonly clock: Clock;
  readonly random: Random;
  /** Long replies are put together a slice at a time. */
  readonly slices: TimeSlices;
  readonly controls: ServerControls;
  readonly logs: LogControls;
  readonly dump: DumpSource;
  readonly routes: ExplainSource['routes'];
  state(): ServerState;
  memory(): MemoryUse;
  /** Every series that is shown; gauges that are only computed when somebody looks are as `refreshStats` left them. */
  series(): Generator<unknown, readonly Series[]>;
  /** Brings figures up to date, those of other processes of this sidecar too. */
  refreshStats(): void | Promise<void>;
  /** Stats whose value is a text, by name. */
  textStats(): ReadonlyMap<string, string>;
  clusters(): readonly ClusterView[];
  listeners(): readonly ListenerView[];
  waiting(): readonly Waiting[];
}

/** Every page of the sidecar's admin interface. */
export function adminPages(source: AdminSource): AdminPage[] {
  const state = source.state.bind(source);
  const clusters = source.clusters.bind(source);
  const refresh = source.refreshStats.bind(source);
  const cluster: ExplainSource['cluster'] = (name) => clusters().find((view) => view.cluster.name === name)?.cluster;
  return [
    ...lifecyclePages(state, source.controls),
    ...statsPages({ series: source.series.bind(source), refresh, texts: source.textStats.bind(source), slices: source.slices }),
    ...processPages({ info: source.info, state, memory: source.memory.bind(source), clock: source.clock, refresh }),
    clustersPage(clusters, refresh),
    listenersPage(source.listeners.bind(source)),
    configDumpPage(source.dump),
    initDumpPage({ waiting: source.waiting.bind(source), clock: source.clock }),
    loggingPage(source.logs),
    runtimePage(source.dump.bootstrap),
    explainPage({ routes: source.routes, cluster, random: source.random }),
    { path: '/certs', method: 'GET', summary: 'print certs on machine', reply: () => json({ certificates: [] }) },
  ];
}
