// How accepted resources become the configuration that requests see. Compiled objects are opaque here.
import type { TypeUrl } from '../../xds/types.ts';

/** A resource that cannot be done: the message names resource, field and reason, and *is* the NACK. */
export class CompileError extends Error {
  /** Path of the field inside the resource, e.g. `virtual_hosts[0].routes[2].redirect`. '' for the whole. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(field === '' ? message : `${field}: ${message}`);
    this.name = 'CompileError';
    this.field = field;
  }
}

/** What a compiled resource needs before it may serve: a cluster its endpoints, a listener its routes. */
export interface Warmable {
  /** True once it may serve. */
  readonly isWarm: boolean;
  /** What it waits for, in words, for /init_dump and logs; '' when warm. */
  readonly waitsFor: string;
}

/** Names of resources of other types that a compiled one refers to. */
export interface Dependencies {
  /** A cluster's ClusterLoadAssignment (`service_name`, else the cluster's name): subscribed to by name; the cluster is warm once it has it. */
  readonly endpoints?: readonly string[];
  /** A listener's RouteConfigurations (`rds.route_config_name`): subscribed to by name; the listener is warm once it has them. */
  readonly routes?: readonly string[];
  /** Clusters that routes name (inline ones too). Never subscribed to by name; what names a cluster that still warms waits with it. */
  readonly clusters?: readonly string[];
  /** `validate_clusters`: true for inline route configurations unless they say no. Naming an unknown cluster is then a refusal. */
  readonly clustersMustExist?: boolean;
  /** A cluster with `wait_for_warm_on_init: false`: as long as nothing of its name serves, it serves before it is warm. */
  readonly servesCold?: boolean;
  /** `initial_fetch_timeout` of the ConfigSource that `endpoints` or `routes` come from; 15 000 unless given, 0 waits for ever. */
  readonly initialFetchTimeoutMs?: number;
}

/** A compiled resource and what it refers to. */
export interface Compilation<Compiled> {
  readonly compiled: Compiled;
  readonly dependencies: Dependencies;
}

/** Turns one decoded message of one type into what the data plane runs on. Pure but for building objects: no I/O before `start`. */
export interface ResourceCompiler<Compiled> {
  readonly typeUrl: TypeUrl;
  /** `value`: protobuf bytes. Throws CompileError. */
  compile(name: string, value: Uint8Array): Compilation<Compiled>;
  /** As `compile`; between its steps others may have the event loop. For types of which one resource may hold thousands of things. */
  compileInSteps?(name: string, value: Uint8Array): Iterator<unknown, Compilation<Compiled>>;
}

/**
 * What a request sees: captured once when it starts, never changed. `routes`, `clusters`: by resource name, opaque here; the folders that
 * compiled them know their types.
 */
export interface RuntimeConfig<Route, Cluster> {
  readonly generation: number;
  readonly routes: ReadonlyMap<string, Route>;
  readonly clusters: ReadonlyMap<string, Cluster>;
}

/** What the runtime has done with compiled clusters and their endpoints. `roles/` implements it with `proxy/cluster`. */
export interface ClusterPort<Cluster, Endpoints> {
  /** Begins name resolution, health checks and the like. `onChange`: `warmth` may have changed. Called once for a cluster. */
  start(cluster: Cluster, onChange: () => void): void;
  /** New endpoints, at any time after compilation; null once: none came in time, go on without. */
  assign(cluster: Cluster, endpoints: Endpoints | null): void;
  warmth(cluster: Cluster): Warmable;
  /** Out of every configuration: requests that run may end within `graceMs`, then connections, timers and stats go. Called once for a cluster. */
  retire(cluster: Cluster, graceMs: number): void;
}

/** What the runtime has done with compiled listeners. `roles/` implements it with `proxy/listener`. */
export interface ListenerPort<Listener> {
  /**
   * Owns the address from now on; connections wait until `serve`. With `replaces` on the same address the socket stays open and is
   * handed over at `serve`: nobody is refused meanwhile. Rejects with one line: that is the refusal.
   */
  bind(listener: Listener, replaces: Listener | null): Promise<void>;
  /** Every connection accepted from now on (and those that waited) is this listener's. */
  serve(listener: Listener): void;
  /** No new connections (unless the socket was handed over); those it has drain. Called once for a listener. */
  retire(listener: Listener): void;
}
