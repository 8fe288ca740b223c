// ringway.yaml as values: defaults filled in, texts parsed, paths absolute.
import type { HostPort } from '../core/index.ts';

/** The whole file. Rings stand in the order of the file. */
export interface RingwayConfig {
  readonly rings: ReadonlyMap<string, RingConfig>;
  readonly control: { readonly xds: ListenConfig };
  readonly admin: ListenConfig;
  readonly telemetry: { readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent' };
}

/** Where a server of ours listens. */
export interface ListenConfig {
  /** Host '' is every address of this machine. */
  readonly listen: HostPort;
  /** The operator accepts that others than this machine may connect without TLS. */
  readonly insecure: boolean;
}

/** How one ring is put together. */
export interface RingConfig {
  /** At least one; the first has precedence. */
  readonly sources: readonly SourceConfig[];
  /** What members may advertise: CIDRs, addresses, names, `*.suffix`; null when the file does not say. */
  readonly allowedAddresses: readonly string[] | null;
  /** A heartbeat older than this is no sign of life, ms. */
  readonly heartbeatTimeoutMs: number;
  /** How long the last report of a failing source is used, and how long a source that has never been read is waited for, ms. */
  readonly staleAfterMs: number;
  /** Whether the ring may go from members to none when every source says so. */
  readonly allowEmpty: boolean;
}

export type SourceConfig = TempoSourceConfig | StaticSourceConfig;

/** A running Tempo: any process that has the ring. */
export interface TempoSourceConfig {
  readonly kind: 'tempo';
  /** Base URLs without a trailing slash. */
  readonly urls: readonly string[];
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly keys: RingKeys;
}

/** Keys of the two halves of a dskit ring in its key-value store. */
interface RingKeys {
  readonly instances: string;
  /** Null for a ring without partitions. */
  readonly partitions: string | null;
}

/** A list of members in a file. */
export interface StaticSourceConfig {
  readonly kind: 'static';
  /** Absolute path. */
  readonly file: string;
}
