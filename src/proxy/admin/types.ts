// What the admin pages ask of the sidecar whose face they are. `roles/` implements it.

/** envoy.admin.v3.ServerInfo.State. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

/** How `/drain_listeners` is to be done. */
export interface DrainRequest {
  /** Connections are asked to go and may end; without it listeners close at once and connections stay. */
  readonly isGraceful: boolean;
  /** Only listeners whose traffic_direction is INBOUND. */
  readonly isInboundOnly: boolean;
}

/** What pages may do to the process. */
export interface ServerControls {
  /** Drain and exit 0. */
  quit(): void;
  /** `/healthcheck/fail` and `/healthcheck/ok`: /ready says DRAINING, and connections are told to go. */
  failHealthcheck(isFailed: boolean): void;
  drainListeners(request: DrainRequest): void;
}

/** What other processes of a sidecar have under way to one address. */
export interface HostElsewhere {
  readonly cxActive: number;
  readonly rqActive: number;
  readonly rqPendingActive: number;
  /** Whether outlier detection keeps it out in one of them. */
  readonly isEjected: boolean;
}

/** Levels of logs, as Envoy names them, from most to least. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type EnvoyLogLevel = (typeof LOG_LEVELS)[number];

export interface LogControls {
  /** The present level. */
  level(): EnvoyLogLevel;
  setLevel(level: EnvoyLogLevel): void;
}

/** What `/server_info` tells. */
export interface ServerInfo {
  readonly version: string;
  /** Unix ms. */
  readonly startedMs: number;
  /** Flags as given, defaults filled in, by their snake_case names. */
  readonly commandLine: Readonly<Record<string, unknown>>;
  /** The node, as canonical JSON. */
  readonly node: unknown;
}
