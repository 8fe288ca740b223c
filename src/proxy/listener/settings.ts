import type { HostPort } from '../../core/index.ts';
import type { TlsServer } from '../../transport/index.ts';
import type { NetworkFilter } from '../filter/types.ts';

/** TrafficDirection by number. */
export const TRAFFIC_DIRECTIONS = ['UNSPECIFIED', 'INBOUND', 'OUTBOUND'] as const;
export type TrafficDirection = (typeof TRAFFIC_DIRECTIONS)[number];

/** A compiled Listener resource, before anything runs. */
export interface ListenerSettings {
  readonly name: string;
  /** A literal IP and a port; 0 lets the kernel choose. */
  readonly address: HostPort;
  /** What its stats are called by: stat_prefix, or the address. */
  readonly statName: string;
  readonly direction: TrafficDirection;
  /** ignore_global_conn_limit: neither bound by the limit of all listeners nor counted in it in Envoy; here counted. */
  readonly ignoresGlobalLimit: boolean;
  /** tcp_backlog_size; null: the system's. */
  readonly backlog: number | null;
  /** How its connections are secured; null: plain TCP. */
  readonly tls: TlsServer | null;
  /** How long a handshake may take (transport_socket_connect_timeout). */
  readonly handshakeTimeoutMs: number;
  /** What becomes of its connections. */
  readonly filter: NetworkFilter;
}
