import type { Site } from '../ends.ts';
import type { Door } from '../loads.ts';

/** A running proxy. */
export interface RunningProxy {
  readonly pid: number;
  /** Its port for each way in; frames go to the frame backend, /bench.Grpc/ to grpc-go's. */
  port(door: Door, ends: 'frames' | 'grpc-go'): number | undefined;
  /** host:port of admin pages with /ready, where it has them. */
  readonly admin?: string;
  /** From its start until it was ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Where and with what a proxy is started. */
export interface StartOptions {
  readonly site: Site;
  readonly core: number;
  /** The ways in that will be used. */
  readonly doors: readonly Door[];
  /** For its files; it exists. */
  readonly folder: string;
  /** Of an xDS server that has more clusters, for those that take Envoy's bootstrap. */
  readonly xdsPort?: number;
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A kind of proxy to compare. */
export interface ProxyKind {
  readonly name: string;
  readonly title: string;
  /** Why it cannot be started on this machine, and how one gets it; undefined when it can. */
  missing(): string | undefined;
  /** Resolves when it takes connections. */
  start(options: StartOptions): Promise<RunningProxy>;
  /** As in 1.40.0. */
  version(): Promise<string>;
}
